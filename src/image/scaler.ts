import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { ChildLost, openChild } from "../child/open-child.ts";
import { Refusal } from "./refusal.ts";
import type { Picture, Scaled, ScaleOptions, ToScale } from "./scale.ts";

export interface Scaler {
  /** One image at a time. Throws a Refusal, or the signal's reason. */
  scale(bytes: Uint8Array, signal: AbortSignal): Promise<Picture>;
  close(): Promise<void>;
}

/** The entry beside this file: TypeScript in the repository, JavaScript once built. */
const here = fileURLToPath(import.meta.url);
const entry = fileURLToPath(new URL(`./scale-child${extname(here)}`, import.meta.url));

/**
 * glibc keeps what was freed, for each thread and the more the larger it was: a process that had decoded large images held
 * 250 MB for good. With these, what an image took is given back after it. Other allocators read none of them. And
 * no secret of the environment is in reach of a hostile image.
 */
const env = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
  UV_THREADPOOL_SIZE: "1",
};

/** A decoder that works on one image for longer than `timeoutMs` is ended: others wait behind it. */
export function createScaler(options: ScaleOptions, timeoutMs: number, onLost: (how: string) => void): Scaler {
  const child = openChild<ToScale, Scaled>({ entry, env, timeoutMs, onLost });
  return {
    async scale(bytes, signal) {
      const scaled = await child.ask({ bytes, options }, signal).catch(lost);
      if ("picture" in scaled) return scaled.picture;
      throw new Refusal(scaled.reason, scaled.message);
    },
    close: () => child.close(),
  };
}

const lost = (error: unknown): never => {
  if (error instanceof ChildLost) throw new Refusal("image_unreadable", "it brought its decoder down, or kept it busy");
  throw error;
};
