import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import { compressFrame, decompressFrame } from "lz4-napi";

/** What the client hands to a codec. */
interface Encoder {
  readonly buffer: Buffer;
}

const { CompressionCodecs, CompressionTypes } = kafkajs;
const zstd = promisify(zstdCompress);
const unzstd = promisify(zstdDecompress);

/** Ids that a batch has room for and nobody has given a meaning; the client would read the packed bytes as they are. */
const UNKNOWN = [5, 6, 7] as const;

function unknown(id: number): never {
  throw new kafkajs.KafkaJSNonRetriableError(
    `a batch is packed with codec ${id}, which is unknown here; write it anew with gzip, snappy, lz4, zstd or none, or move the group's offset past it`,
  );
}

/** The client brings gzip alone, and throws on the others that a topic may hold. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: Encoder) => compressFrame(buffer),
    decompress: (bytes: Buffer) => decompressFrame(bytes),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: Encoder) => zstd(buffer),
    decompress: (bytes: Buffer) => unzstd(bytes),
  });
  const byId: Record<number, () => unknown> = CompressionCodecs;
  for (const id of UNKNOWN) byId[id] = () => unknown(id);
}
