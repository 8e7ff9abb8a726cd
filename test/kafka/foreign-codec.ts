import { readFile, writeFile } from "node:fs/promises";

/** Places inside a record batch of version 2, in bytes. */
const LENGTH = 8;
const CRC = 17;
const ATTRIBUTES = 21;
const RECORDS = 61;
const CODEC_MASK = 0b111;
/** The ids up to 4 are none, gzip, snappy, lz4 and zstd. */
const UNKNOWN_CODEC = 5;

/**
 * Makes the last batch of a topic's segment one that was packed by a codec nobody knows, with a checksum that is right.
 * No client can write such a batch, for a broker refuses it; a later broker, or a topic copied as files, could hold it.
 * The broker has to be stopped.
 */
export async function packWithUnknownCodec(segment: string): Promise<void> {
  const bytes = await readFile(segment);
  let at = 0;
  for (let next = at; next + RECORDS < bytes.length; next += LENGTH + 4 + bytes.readInt32BE(next + LENGTH)) at = next;
  const batch = bytes.subarray(at, at + LENGTH + 4 + bytes.readInt32BE(at + LENGTH));
  batch.writeInt16BE((batch.readInt16BE(ATTRIBUTES) & ~CODEC_MASK) | UNKNOWN_CODEC, ATTRIBUTES);
  for (let i = RECORDS; i < batch.length; i++) batch[i] = batch[i]! ^ 0xa5;
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES)), CRC);
  await writeFile(segment, bytes);
}

/** The Castagnoli checksum, bit by bit: a batch is short. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
