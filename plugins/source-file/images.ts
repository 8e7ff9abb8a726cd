import { open, realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import {
  type Delivery,
  Fault,
  fail,
  type Image,
  type Outcome,
  ok,
  type Post,
  SNIFF_BYTES,
  sniffImage,
} from "starling-ner";
import type { LineOrigin } from "./lines.ts";

export interface ImageRules {
  /** Relative paths start here, and may not leave it. */
  readonly folder: string;
  /** Look into files and data URIs. */
  readonly check: boolean;
}

const scheme = /^([a-z][a-z0-9+.-]*):/i;
const dataUri = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*;base64,/;

/** Makes paths absolute, and fails a post one of whose images is not there or is no image. URLs are not fetched. */
export async function withImages(delivery: Delivery, rules: ImageRules): Promise<Delivery> {
  if (delivery.post.kind !== "ok") return delivery;
  const { value: post } = delivery.post;
  const images: Image[] = [];
  for (const [index, image] of post.images?.entries() ?? []) {
    const found = await look(image, rules);
    if (typeof found === "string") return { ...delivery, post: unreadable(delivery, index, found) };
    images.push(found);
  }
  return { ...delivery, post: ok({ ...post, images }) };
}

export const hasImages = ({ post }: Delivery): boolean => post.kind === "ok" && (post.value.images?.length ?? 0) > 0;

function unreadable({ origin }: Delivery, image: number, reason: string): Outcome<Post> {
  const where = (origin as LineOrigin).where();
  return fail(new Fault("IMAGE_UNREADABLE", { where, image, reason }));
}

/** The image as later stages read it, or what is wrong with it. */
async function look(image: Image, { folder, check }: ImageRules): Promise<Image | string> {
  if (image.src === undefined) return checked(image, check, "what its bytes hold", () => decodeHead(image.bytes));
  const kind = scheme.exec(image.src)?.[1]?.toLowerCase();
  if (kind === "http" || kind === "https") return image;
  if (kind === "data") {
    const head = dataUri.exec(image.src)?.[0];
    if (head === undefined) return "is not a base64 data URI";
    return checked(image, check, "what the data URI holds", () => decodeHead(image.src.slice(head.length)));
  }
  if (kind !== undefined) return `has the scheme ${kind}:, but only data:, http:, https: and paths are read`;
  const path = resolve(folder, image.src);
  if (!inside(folder, path)) return `${image.src} leaves the folder of the input`;
  return checked({ ...image, src: path }, check, path, () => fileHead(folder, path));
}

async function checked(
  image: Image,
  check: boolean,
  what: string,
  head: () => Uint8Array | Promise<Uint8Array | string>,
): Promise<Image | string> {
  if (!check) return image;
  const bytes = await head();
  if (typeof bytes === "string") return bytes;
  if (sniffImage(bytes) !== null) return image;
  return `${what} is not an image (png, jpeg, gif, webp, bmp or avif by its first bytes)`;
}

const inside = (folder: string, path: string) => path.startsWith(resolve(folder) + sep);

const decodeHead = (base64: string) => Buffer.from(base64.slice(0, SNIFF_BYTES * 2), "base64").subarray(0, SNIFF_BYTES);

/** Links are followed before the file is opened: they may not leave the folder either. */
async function fileHead(folder: string, path: string): Promise<Uint8Array | string> {
  try {
    if (!inside(await realpath(folder), await realpath(path))) return `${path} leads out of the folder of the input`;
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `${path} does not exist (paths start at ${folder})` : message;
  }
}
