import { extname } from "node:path";
import { readInside } from "starling-ner";

/** A caption is a sentence: what is larger is no text beside a picture. */
const MAX_BYTES = 65_536;

/** The text in `picture.jpg.txt`, or `picture.txt`, beside the file `picture.jpg` of one of the folders, if there is one. */
export async function readSidecar(folders: readonly string[], src: string): Promise<string | undefined> {
  // A URL, or a data URI.
  if (folders.length === 0 || /^[a-z][a-z0-9+.-]*:/i.test(src)) return undefined;
  const stem = src.slice(0, src.length - extname(src).length);
  for (const path of new Set([`${src}.txt`, `${stem}.txt`])) {
    const bytes = await readInside(folders, path, MAX_BYTES).catch(() => undefined);
    if (bytes !== undefined) return new TextDecoder().decode(bytes);
  }
  return undefined;
}
