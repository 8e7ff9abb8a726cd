export type ImageType = "png" | "jpeg" | "gif" | "webp" | "bmp" | "avif";

/** Bytes that `sniffImage` needs to see. */
export const SNIFF_BYTES = 32;

/** The type of an image by its first bytes; a name or a header may lie. Null where they begin no image known here. */
export function sniffImage(head: Uint8Array): ImageType | null {
  const text = (start: number, end: number) => String.fromCharCode(...head.subarray(start, end));
  if (text(0, 8) === "\x89PNG\r\n\x1a\n") return "png";
  if (text(0, 3) === "\xff\xd8\xff") return "jpeg";
  if (text(0, 6) === "GIF87a" || text(0, 6) === "GIF89a") return "gif";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "webp";
  // "BM" alone begins many texts; a bitmap has four reserved zero bytes after its size.
  if (text(0, 2) === "BM" && head.length >= 18 && text(6, 10) === "\0\0\0\0") return "bmp";
  if (text(4, 8) === "ftyp" && /avif|avis/.test(text(8, SNIFF_BYTES))) return "avif";
  return null;
}
