import type { Mention } from "../facts.ts";
import type { Post } from "../schema/post.ts";
import { wordsOf } from "../tokens/index.ts";

/** Mentions in UTF-16 units of the text, from bounds in words. */
export function inText(post: Post, mentions: readonly Mention[]): Mention[] {
  const words = wordsOf(post);
  return mentions.map(({ start, end, type }) => ({ start: words[start]!.start, end: words[end - 1]!.end, type }));
}
