/** Whole lines as they came, or the beginning of one line that is longer than the limit. */
export type Piece =
  | { readonly kind: "lines"; readonly bytes: Buffer }
  | { readonly kind: "overlong"; readonly kept: Buffer; readonly length: number };

const NEWLINE = 10;
/** What is kept of a line beyond the limit, so that its dead letter shows what it was. */
const KEPT_BYTES = 65_536;

/** Cuts a byte stream at line ends. Holds no more than one line of `maxLineBytes` and one chunk. */
export async function* pieces(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Piece> {
  let held: Buffer[] = [];
  let length = 0; // of the line that is not complete yet
  const overlong = (): Piece => ({ kind: "overlong", kept: Buffer.concat(held).subarray(0, KEPT_BYTES), length });

  for await (const chunk of chunks) {
    const first = chunk.indexOf(NEWLINE);
    if (first === -1) {
      if (length <= maxLineBytes) held.push(chunk);
      length += chunk.length;
      continue;
    }
    const last = chunk.lastIndexOf(NEWLINE) + 1;
    if (length + first > maxLineBytes) {
      length += first;
      if (length - first <= maxLineBytes) held.push(chunk.subarray(0, first));
      yield overlong();
      if (last > first + 1) yield { kind: "lines", bytes: chunk.subarray(first + 1, last) };
    } else yield { kind: "lines", bytes: Buffer.concat([...held, chunk.subarray(0, last)]) };
    held = last < chunk.length ? [chunk.subarray(last)] : [];
    length = chunk.length - last;
  }
  if (length > maxLineBytes) yield overlong();
  else if (length > 0) yield { kind: "lines", bytes: Buffer.concat(held) };
}
