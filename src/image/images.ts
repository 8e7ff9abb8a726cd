import { createHash } from "node:crypto";
import { bulkhead } from "cockatiel";
import { LRUCache } from "lru-cache";
import { untilAborted } from "../child/until-aborted.ts";
import { type Outcome, ok, pass } from "../outcome.ts";
import type { Host } from "../plugin.ts";
import type { Image } from "../schema/post.ts";
import type { Fetcher, ResolveName } from "./fetch.ts";
import type { ImageOptions } from "./options.ts";
import { type Reader, readImage } from "./read.ts";
import { Refusal } from "./refusal.ts";
import type { Picture } from "./scale.ts";
import { createScaler } from "./scaler.ts";

/** Images read at the same time, at most: with `maxBytes` it bounds the memory that their files take. */
const READ_AT_ONCE = 4;

/** An image by its content. */
export type Loaded<K> =
  | { readonly sha256: string; readonly known: K; readonly picture?: undefined }
  | { readonly sha256: string; readonly known?: undefined; readonly picture: Picture };

/** The one way from the images of a post to pictures that a model may be shown. */
export interface Images {
  /** Images of one post that are worth looking at, at most. */
  readonly maxImages: number;
  /**
   * Reads an image, checks it and scales it down; or passes with one of `ImageReason`, and says why in the log. Where
   * `known` answers to the SHA-256 of its file, that is taken, and nothing is decoded. The log names the post by `postId`.
   * Throws the signal's reason once it is aborted.
   */
  load<K = never>(
    image: Image,
    signal: AbortSignal,
    known?: (sha256: string) => K | undefined,
    postId?: string,
  ): Promise<Outcome<Loaded<K>>>;
  close(): Promise<void>;
}

export type ImagesHost = Pick<Host, "log" | "count" | "resolve">;

export async function createImages(
  options: ImageOptions,
  host: ImagesHost,
  resolveName?: ResolveName,
): Promise<Images> {
  const { maxBytes, timeoutMs } = options;
  const fetcher = await fetcherOf(options, resolveName);
  const reader: Reader = { folders: options.folders.map((folder) => host.resolve(folder)), maxBytes, fetcher };
  const scaler = createScaler(scaling(options), timeoutMs, (how) =>
    host.log(`the process that decodes images ended: ${how}`),
  );
  const pictures = cacheOf(options.cacheBytes);
  const reading = bulkhead(READ_AT_ONCE, Number.POSITIVE_INFINITY);

  async function take<K>(
    image: Image,
    signal: AbortSignal,
    known?: (sha256: string) => K | undefined,
  ): Promise<Loaded<K>> {
    const bytes = await untilAborted(readImage(image, reader, signal), signal);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const found = known?.(sha256);
    if (found !== undefined) return { sha256, known: found };
    const picture = pictures?.get(sha256) ?? (await scaler.scale(bytes, signal));
    pictures?.set(sha256, picture);
    return { sha256, picture };
  }

  async function load<K>(
    image: Image,
    signal: AbortSignal,
    known?: (sha256: string) => K | undefined,
    postId?: string,
  ): Promise<Outcome<Loaded<K>>> {
    signal.throwIfAborted();
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      return ok(await take(image, AbortSignal.any([signal, limit]), known));
    } catch (error) {
      signal.throwIfAborted();
      return passOf(limit.aborted ? slow(timeoutMs) : error, host, postId);
    }
  }

  return {
    maxImages: options.maxImages,
    load: (image, signal, known, postId) =>
      untilAborted(
        reading.execute(() => load(image, signal, known, postId)),
        signal,
      ),
    close: async () => void (await Promise.all([fetcher?.close(), scaler.close()])),
  };
}

const scaling = ({ maxPixels, maxSide }: ImageOptions) => ({ maxPixels, maxSide });

/** undici is loaded where a host may be asked. */
async function fetcherOf(options: ImageOptions, resolveName?: ResolveName): Promise<Fetcher | undefined> {
  if (options.hosts.length === 0) return undefined;
  const { createFetcher } = await import("./fetch.ts");
  return createFetcher(options, resolveName);
}

const cacheOf = (maxSize: number): LRUCache<string, Picture> | undefined =>
  maxSize === 0 ? undefined : new LRUCache({ maxSize, sizeCalculation: ({ bytes }) => bytes.length + 256 });

const slow = (timeoutMs: number) => new Refusal("image_timeout", `it took more than images.timeoutMs, ${timeoutMs}`);

function passOf(error: unknown, { log, count }: ImagesHost, postId?: string): Outcome<never> {
  if (!(error instanceof Refusal)) throw error;
  count(error.reason);
  log(`an image is left out: ${error.message}`, { ...(postId !== undefined && { postId }), reason: error.reason });
  // What the operator does not allow is nothing that could have been better.
  return pass(error.reason, error.reason !== "image_refused");
}
