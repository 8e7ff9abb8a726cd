import type { Asked } from "./request.ts";

export interface Said {
  readonly entities: readonly { readonly name: string; readonly type: string }[];
  readonly reasoning: string;
  readonly image_relevant: boolean;
}

/** Words that are written large where they begin a sentence. */
const common = new Set(
  "a an and are as at but by for from has have he her here his i if in is it its just may my new no not now of on or our she so that the their there they this to today tonight was we were what when where who why will with you your".split(
    " ",
  ),
);
/** Those of them that names begin with too: "New York". */
const within = new Set(["new"]);
const words = /@?[\p{Lu}\p{Lt}][\p{L}\p{M}\p{N}'’.&-]*(?:\s+[\p{Lu}\p{Lt}][\p{L}\p{M}\p{N}'’&-]*)*/gu;

/**
 * Names runs of words that begin with a capital letter: no knowledge at all, but an answer in the right layout that
 * depends on the post, without a model.
 */
export function sayNames(asked: Asked): Said {
  const text = dataOf(asked.last);
  const names = [...text.matchAll(words)]
    .map(([name]) => name.replace(/[.'’&-]+$/u, ""))
    .map((name) =>
      name
        .split(/\s+/)
        .filter(
          (word, i, all) =>
            i > 0 || !common.has(word.toLowerCase()) || (within.has(word.toLowerCase()) && all.length > 1),
        )
        .join(" "),
    )
    .filter((name) => name.length > 1);
  return {
    entities: [...new Set(names)].map((name) => ({ name, type: typeOf(name) })),
    reasoning: "These words begin with a capital letter. The development server looked at nothing else.",
    image_relevant: false,
  };
}

const typeOf = (name: string): string =>
  name.startsWith("@") ? "person/handle" : name.includes(" ") ? "person" : "organization";

/** The data inside the last pair of marks of a message, or the whole message; words may be joined by a data mark. */
export function dataOf(message: string): string {
  const blocks = [...message.matchAll(/<([\w-]+)>([\s\S]*?)<\/\1>/g)];
  return (blocks.find(([, name]) => name!.startsWith("text"))?.[2] ?? message).replaceAll("ˆ", " ");
}

/** The layout of PGIM's answers. */
export const layOut = ({ entities, reasoning }: Said): string =>
  entities.length === 0
    ? `Named entities may not be present in this sentence. ${reasoning}`
    : `Named entities:\n${entities.map(({ name, type }, i) => `${i + 1}. ${name} (${type})`).join("\n")}\nReasoning: ${reasoning}`;
