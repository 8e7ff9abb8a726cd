import type { Sharp, SharpOptions } from "sharp";
import type { ChatImage } from "../chat.ts";
import { decodingBytes, MAX_MEGABYTES, MAX_SIDE } from "./memory.ts";
import { type ImageReason, Refusal } from "./refusal.ts";
import { type ImageType, sniffImage } from "./sniff.ts";

/** A picture as a model is shown it: the first frame, upright, scaled down, on white where it was transparent. */
export interface Picture extends ChatImage {
  readonly width: number;
  readonly height: number;
}

export interface ScaleOptions {
  readonly maxPixels: number;
  readonly maxSide: number;
}

/** By its first bytes an image, and one that sharp's prebuilt libvips decodes. TIFF and SVG are never handed to it. */
const readable: readonly ImageType[] = ["png", "jpeg", "gif", "webp", "avif"];

export interface ToScale {
  readonly bytes: Uint8Array;
  readonly options: ScaleOptions;
}

export type Scaled = { readonly picture: Picture } | { readonly reason: ImageReason; readonly message: string };

/** Checks an image by its header, then decodes it and scales it down. Throws a Refusal. */
export async function scale(bytes: Uint8Array, options: ScaleOptions): Promise<Picture> {
  const type = typeOf(bytes);
  try {
    return await decode(bytes, type, options);
  } catch (error) {
    throw error instanceof Refusal
      ? error
      : new Refusal("image_unreadable", `it is a broken ${type}`, { cause: error });
  }
}

function typeOf(bytes: Uint8Array): ImageType {
  const type = sniffImage(bytes);
  if (type !== null && readable.includes(type)) return type;
  throw new Refusal("image_unreadable", `it is not one of ${readable.join(", ")} by its first bytes`);
}

async function decode(bytes: Uint8Array, type: ImageType, { maxPixels, maxSide }: ScaleOptions): Promise<Picture> {
  const open = await opener();
  const image = open(bytes, { limitInputPixels: false, failOn: "error", pages: 1, sequentialRead: true });
  await checkHeader(image, type, maxPixels);
  const { data, info } = await image
    .autoOrient()
    .resize({ width: maxSide, height: maxSide, fit: "inside", withoutEnlargement: true })
    .flatten({ background: "#fff" })
    .toColourspace("srgb")
    .jpeg({ quality: 85 })
    .toBuffer({ resolveWithObject: true });
  return { bytes: data, type: "image/jpeg", width: info.width, height: info.height };
}

async function checkHeader(image: Sharp, type: ImageType, maxPixels: number): Promise<void> {
  const header = await image.metadata();
  const { format, width, height } = header;
  if (format !== (type === "avif" ? "heif" : type))
    throw new Refusal("image_unreadable", `it only begins as a ${type}`);
  if (width * height > maxPixels)
    throw new Refusal("image_too_large", `it has ${width} x ${height} pixels, more than images.maxPixels ${maxPixels}`);
  const megabytes = decodingBytes(type, header) / 1e6;
  if (Math.max(width, height) > MAX_SIDE || megabytes > MAX_MEGABYTES)
    throw new Refusal("image_too_large", `a ${type} of ${width} x ${height} pixels takes too much memory to decode`);
}

/** sharp, once it is needed: one thread and no cache of its own, so that its memory is that of one image. */
async function opener(): Promise<(bytes: Uint8Array, options: SharpOptions) => Sharp> {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  return (bytes, options) => sharp(bytes, options);
}
