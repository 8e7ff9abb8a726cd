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
}
