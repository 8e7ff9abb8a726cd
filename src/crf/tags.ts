/**
 * Tags of a BIO2 chain over `types` entity types, as numbers: O is 0, B-t is 1 + 2t, I-t is 2 + 2t,
 * so that there are 2 × types + 1 of them.
 */
export const O = 0;

export const tagCount = (types: number): number => 2 * types + 1;
export const beginTag = (type: number): number => 1 + 2 * type;
export const insideTag = (type: number): number => 2 + 2 * type;

export const isBegin = (tag: number): boolean => (tag & 1) === 1;
export const isInside = (tag: number): boolean => tag !== O && (tag & 1) === 0;
/** Type of a B or I tag; -1 for O. */
export const typeOf = (tag: number): number => ((tag + 1) >> 1) - 1;

/** BIO2 bars I-t at the start of a sentence. */
export const mayStart = (tag: number): boolean => !isInside(tag);
/** BIO2 bars I-t after anything but B-t and I-t. */
export const mayFollow = (from: number, to: number): boolean => !isInside(to) || typeOf(from) === typeOf(to);

/** Whether a tag sequence is one that BIO2 allows. */
export const isLegal = (tags: ArrayLike<number>, steps = tags.length): boolean => {
  for (let i = 0; i < steps; i++) {
    const legal = i === 0 ? mayStart(tags[0]!) : mayFollow(tags[i - 1]!, tags[i]!);
    if (!legal) return false;
  }
  return true;
};
