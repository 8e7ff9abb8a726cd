import type { Context, Facts } from "./facts.ts";
import type { View } from "./plugin.ts";
import type { TagInput } from "./tagger.ts";
import { wordsOf } from "./tokens/index.ts";

type Added = Partial<Pick<Facts, "captions" | "knowledge">>;

/**
 * What a tagger reads of a post: its words, its captions in the order of the images, and the knowledge, [T; captions; Z].
 * draft, final, training and scoring all ask here: there is no second way from a post to the encoder.
 */
export function tagInput({ post, facts }: View<never, "captions" | "knowledge">): TagInput {
  const words = wordsOf(post);
  return {
    words: words.map(({ text }) => text),
    glued: words.map(({ start }, i) => i > 0 && words[i - 1]!.end === start),
    captions: captionTexts(facts),
    knowledge: facts.knowledge?.text ?? "",
  };
}

/** Which of captions and knowledge a tagger would read beside the text. */
export function contextOf(facts: Added): Context {
  const captions = captionTexts(facts).length > 0;
  const knowledge = (facts.knowledge?.text ?? "") !== "";
  if (captions) return knowledge ? "text+captions+knowledge" : "text+captions";
  return knowledge ? "text+knowledge" : "text";
}

const captionTexts = ({ captions }: Added) => (captions ?? []).map(({ text }) => text).filter((text) => text !== "");
