import { LRUCache } from "lru-cache";
import type { Caption } from "../facts.ts";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Stage, View } from "../plugin.ts";
import type { Image } from "../schema/post.ts";
import { type CaptionLimits, cleanCaption } from "./caption.ts";
import type { Images } from "./images.ts";
import type { Picture } from "./scale.ts";

export interface CaptionerParts extends CaptionLimits {
  readonly images: Images;
  /** Which captioner, and which model: the `source` of its captions. */
  readonly source: string;
  /** Captions kept for reposts; 0 keeps none. They are found by the hash of the file: one captioner asks one way. */
  readonly cacheEntries: number;
  /** What a model says of a picture, or why it says nothing. A throw fails the post. */
  describe(picture: Picture, signal: AbortSignal): Promise<Outcome<string>>;
}

type Captions = { readonly captions: readonly Caption[] };
type Seen = View<never, "captions">;

export function createCaptioner(parts: CaptionerParts): Pick<Stage<never, "captions", "captions">, "quick" | "run"> {
  const { images, source, cacheEntries } = parts;
  const cache = cacheEntries === 0 ? undefined : new LRUCache<string, string>({ max: cacheEntries });

  async function textOf(image: Image, postId: string, signal: AbortSignal): Promise<Outcome<string>> {
    const loaded = await images.load(image, signal, (sha256) => cache?.get(sha256), postId);
    if (loaded.kind !== "ok") return loaded;
    const { sha256, known, picture } = loaded.value;
    if (known !== undefined) return ok(known);
    const said = await parts.describe(picture, signal);
    if (said.kind !== "ok") return said;
    const text = cleanCaption(said.value, parts);
    if (text === "") return pass("no_caption", true);
    cache?.set(sha256, text);
    return ok(text);
  }

  async function answer({ post, facts }: Seen, signal: AbortSignal): Promise<Outcome<Captions>> {
    const had = facts.captions ?? [];
    const todo = uncaptioned(post.images, had).slice(0, images.maxImages);
    const said = await Promise.all(todo.map(({ image }) => textOf(image, post.id, signal)));
    const made = said.flatMap((outcome, i) =>
      outcome.kind === "ok" ? [{ image: todo[i]!.index, text: outcome.value, source }] : [],
    );
    if (made.length === 0) return said.find(({ kind }) => kind !== "ok") as Outcome<never>;
    return ok({ captions: [...had, ...made].toSorted((a, b) => a.image - b.image) });
  }

  const quick = ({ post, facts }: Seen): Outcome<never> | undefined => {
    if ((post.images ?? []).length === 0) return pass("no_image");
    return uncaptioned(post.images, facts.captions ?? []).length === 0 ? pass("captioned") : undefined;
  };

  return {
    quick,
    run: (batch, signal) =>
      Promise.all(batch.map(async (view) => quick(view) ?? (await answer(view, signal).catch(failed)))),
  };
}

const failed = (error: unknown): Outcome<never> => fail(error instanceof Error ? error : new Error(String(error)));

const uncaptioned = (images: readonly Image[] = [], had: readonly Caption[]) =>
  images
    .map((image, index) => ({ image, index }))
    .filter(({ index }) => had.every((caption) => caption.image !== index));
