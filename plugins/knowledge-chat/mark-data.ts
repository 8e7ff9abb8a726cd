import { createHash } from "node:crypto";
import { oneLine } from "starling-ner";

/** Stands for every space of a stranger's text, so that a model sees where data is (Hines et al. 2024, "datamarking"). */
export const MARK = "ˆ";

/**
 * A stranger's text, made to be told from everything else: one line, at most `maxLength` UTF-16 units, every space marked, and
 * no sign in it that could close or open a mark.
 */
export const markData = (text: string, maxLength: number): string =>
  cut(oneLine(text.normalize("NFC")), maxLength)
    .replaceAll(MARK, "^")
    .replaceAll("<", "‹")
    .replaceAll(">", "›")
    .replaceAll(" ", MARK);

/** Never in the middle of a surrogate pair. */
const cut = (text: string, maxLength: number): string => text.slice(0, maxLength).replace(/[\ud800-\udbff]$/u, "");

/**
 * What a repost has of its own, and says nothing of what is posted: a leading `RT @someone:`, and short links. A model is shown
 * neither, so that all reposts ask the same, and nothing that stands there can shape an answer.
 */
export const withoutRepost = (text: string): string =>
  text
    .replace(/^(?:\s*RT\s*@\s*\w{1,20}\s*:)+/iu, "")
    .replace(/https?:\/\/[\w.-]{1,30}\/\w{1,16}(?=\s|$|[)"'”’…])/giu, "");

/** The words of marked data, and every other sign, spaces too, in order. */
export const signsOf = (marked: string): readonly string[] => marked.match(/(?:(?!ˆ)[\p{L}\p{M}\p{N}])+|./gu) ?? [];

/**
 * The name of the marks around one post. It follows from the content, so that the same post makes the same request and a
 * cache finds its answer; who writes a text cannot know it, and could not write it either.
 */
export const boundaryOf = (version: string, parts: readonly string[]): string =>
  createHash("sha256")
    .update([version, ...parts].join("\0"))
    .digest("hex")
    .slice(0, 10);
