export { type CaptionLimits, captionLimits, cleanCaption } from "./caption.ts";
export type { CaptionerParts } from "./captioner.ts";
export { checkFolders, readInside } from "./file.ts";
export type { Images, Loaded } from "./images.ts";
export { openCaptioner, openImages } from "./open.ts";
export { type ImageOptions, imageOptions } from "./options.ts";
export type { ImageReason } from "./refusal.ts";
export type { Picture } from "./scale.ts";
export { type ImageType, SNIFF_BYTES, sniffImage } from "./sniff.ts";
