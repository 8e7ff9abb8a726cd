import type { Bank, Post } from "starling-ner";

const addresses = /https?:\/\/\S+/giu;

/** What is left of a text without addresses, case and spaces: a repost has other links, a corpus other spaces. */
export const essence = (text: string): string =>
  text.normalize("NFKC").toLowerCase().replace(addresses, "").replaceAll(/\s+/gu, "") || text;

/** Answers the rows that are the post itself: the same id, or the same text. Its own answer would be no example. */
export function ownRows({ demonstrations }: Bank): (post: Post) => ReadonlySet<number> {
  const byId = new Map<string, number>();
  const byText = new Map<string, number[]>();
  demonstrations.forEach(({ id, text }, row) => {
    byId.set(id, row);
    const key = essence(text);
    byText.set(key, [...(byText.get(key) ?? []), row]);
  });
  return ({ id, text }) => {
    const same = byId.get(id);
    return new Set([...(same === undefined ? [] : [same]), ...(byText.get(essence(text)) ?? [])]);
  };
}
