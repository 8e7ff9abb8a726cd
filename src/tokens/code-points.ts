/**
 * Code-point offsets of UTF-16 offsets, in one pass over the text.
 * `offsets` are in ascending order, each 0 to `text.length`; an offset inside a surrogate pair counts the pair as passed.
 */
export function codePointOffsets(text: string, offsets: readonly number[]): number[] {
  let unit = 0;
  let point = 0;
  return offsets.map((offset) => {
    if (offset < unit - 1 || offset > text.length)
      throw new RangeError(`offset ${offset} of ${text.length}, after ${unit}`);
    for (; unit < offset; point++) unit += (text.codePointAt(unit) as number) > 0xffff ? 2 : 1;
    return point;
  });
}
