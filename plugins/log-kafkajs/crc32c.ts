/** Castagnoli's polynomial, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** Row k holds the remainder of each byte that k zero bytes follow, so that eight bytes are taken in one step. */
const rows = makeRows();
const [r0, r1, r2, r3, r4, r5, r6, r7] = Array.from({ length: 8 }, (_, k) =>
  rows.subarray(k * 256, (k + 1) * 256),
) as unknown as readonly [Row, Row, Row, Row, Row, Row, Row, Row];
type Row = Uint32Array;

/**
 * CRC-32C of `bytes` from `start` to `end`, in [0, 2^32): "slicing by 8" (Kounavis and Berry, 2005), about three times as
 * fast as the client's byte by byte. Node's own `crc32` has another polynomial.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      r7[low & 0xff]! ^
      r6[(low >>> 8) & 0xff]! ^
      r5[(low >>> 16) & 0xff]! ^
      r4[low >>> 24]! ^
      r3[bytes[at + 4]!]! ^
      r2[bytes[at + 5]!]! ^
      r1[bytes[at + 6]!]! ^
      r0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = r0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeRows(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) made[i] = made[made[i - 256]! & 0xff]! ^ (made[i - 256]! >>> 8);
  return made;
}
