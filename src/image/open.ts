import type { Stage } from "../plugin.ts";
import type { CaptionerParts } from "./captioner.ts";
import type { ResolveName } from "./fetch.ts";
import type { Images, ImagesHost } from "./images.ts";
import type { ImageOptions } from "./options.ts";

// What fetches, decodes and caches is imported when it is first opened: starts without pictures do not pay for it.

/**
 * Opens the one way from the images of a post to pictures that a model may be shown; `resolveName` stands in for the
 * system's resolver.
 */
export async function openImages(options: ImageOptions, host: ImagesHost, resolveName?: ResolveName): Promise<Images> {
  const { createImages } = await import("./images.ts");
  return createImages(options, host, resolveName);
}

/**
 * The stage of a captioner that shows pictures to a model, one caption for each image, in their order. Images that have a
 * caption already keep it. One that cannot be captioned is left out; a post passes where none could.
 */
export async function openCaptioner(
  parts: Omit<CaptionerParts, "images"> & { readonly images: ImageOptions },
  host: ImagesHost,
): Promise<Stage<never, "captions", "captions">> {
  const { createCaptioner } = await import("./captioner.ts");
  const images = await openImages(parts.images, host);
  return { ...createCaptioner({ ...parts, images }), close: () => images.close() };
}
