import { Fault } from "../errors.ts";
import type { LabelledSet } from "./set.ts";

/**
 * Refuses to score on data that another named set holds as well: throws DATA_SHARED where the fingerprints are equal
 * or more than half of the smaller set's texts stand in both.
 */
export function refuseShared(data: LabelledSet, other: LabelledSet): void {
  const share = data.fingerprint === other.fingerprint ? 1 : sharedTexts(data, other);
  if (share > 0.5)
    throw new Fault("DATA_SHARED", { first: data.file, second: other.file, percent: Math.round(100 * share) });
}

function sharedTexts(a: LabelledSet, b: LabelledSet): number {
  const [small, large] = a.posts.length <= b.posts.length ? [a, b] : [b, a];
  const texts = new Set(large.posts.map(({ post }) => post.text));
  return small.posts.filter(({ post }) => texts.has(post.text)).length / small.posts.length;
}
