import type { Metadata } from "sharp";
import type { ImageType } from "./sniff.ts";

/** What decoding one image may take, in millions of bytes: a decoder that needs more is not begun. */
export const MAX_MEGABYTES = 90;

/** Pixels of one side. Rows are held about a thousand at a time, so that wide ones cost far more than their number tells. */
export const MAX_SIDE = 12_288;

type Header = Pick<Metadata, "width" | "height" | "channels" | "depth" | "isProgressive">;

/**
 * Bytes that libvips takes at most to decode an image with this header, as the peaks of processes that did it show.
 * Most decoders go row by row; these hold the whole picture.
 */
export function decodingBytes(type: ImageType, header: Header): number {
  return header.width * header.height * bytesPerPixel(type, header);
}

function bytesPerPixel(type: ImageType, { channels, depth, isProgressive }: Header): number {
  const deep = depth === "ushort";
  if (type === "avif") return deep ? 31 : 21;
  if (type === "gif") return 5.2;
  if (type === "webp") return 4;
  if (!isProgressive) return 0;
  // A JPEG holds its coefficients, of 16 bits; a PNG its interlaced pixels.
  return type === "jpeg" ? 2.1 * channels : 1.25 * channels * (deep ? 2 : 1);
}
