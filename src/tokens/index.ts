import type { Word } from "../facts.ts";
import type { Post } from "../schema/post.ts";
import { splitWords } from "./split-words.ts";

export { joiningSigns, type Signs, signsOf } from "./join-signs.ts";
export { splitWords } from "./split-words.ts";

const known = new WeakMap<Post, readonly Word[]>();

/** The words of a post: those its source marked, or else those of `splitWords`. Each post is split once. */
export function wordsOf(post: Post): readonly Word[] {
  let words = known.get(post);
  if (words === undefined) {
    words = post.words
      ? post.words.map(({ start, end }) => ({ text: post.text.slice(start, end), start, end }))
      : splitWords(post.text);
    known.set(post, words);
  }
  return words;
}
