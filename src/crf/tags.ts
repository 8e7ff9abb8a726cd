import { isInside, mayFollow, OUTSIDE } from "../bio2/index.ts";

/** Tags of a BIO2 chain over `types` entity types: O, and B and I of each; numbered as in bio2. */
export const tagCount = (types: number): number => 2 * types + 1;

/** BIO2 bars I-t at the start of a sentence. */
export const mayStart = (tag: number): boolean => !isInside(tag);

/** Whether a tag sequence is one that BIO2 allows. */
export const isLegal = (tags: ArrayLike<number>, steps = tags.length): boolean => {
  for (let i = 0; i < steps; i++) if (!mayFollow(i === 0 ? OUTSIDE : tags[i - 1]!, tags[i]!)) return false;
  return true;
};
