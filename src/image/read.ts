import type { Image } from "../schema/post.ts";
import type { Fetcher } from "./fetch.ts";
import { readInside } from "./file.ts";
import { decodeBytes, decodeDataUri } from "./inline.ts";
import { Refusal } from "./refusal.ts";

export interface Reader {
  /** Absolute folders that files may lie in. */
  readonly folders: readonly string[];
  readonly maxBytes: number;
  /** Absent where no host is allowed. */
  readonly fetcher: Fetcher | undefined;
}

/** The bytes of an image, wherever it stands. Throws a Refusal, or the signal's reason. */
export async function readImage(image: Image, reader: Reader, signal: AbortSignal): Promise<Uint8Array> {
  const { src } = image;
  if (src === undefined) return decodeBytes(image.bytes, reader.maxBytes);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(src)?.[1]?.toLowerCase();
  if (scheme === undefined) return readInside(reader.folders, src, reader.maxBytes);
  if (scheme === "data") return decodeDataUri(src, reader.maxBytes);
  if (scheme !== "http" && scheme !== "https")
    throw new Refusal("image_refused", "its scheme is none of data, https and http");
  if (reader.fetcher === undefined) throw new Refusal("image_refused", "no host may be asked: images.hosts is empty");
  return reader.fetcher.fetch(src, signal);
}
