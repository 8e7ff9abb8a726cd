import { createRequire } from "node:module";
import { Fault } from "starling-ner";

export const LIBRARY = "@huggingface/transformers";
const VERSION = "^4.3.1";

/** The library where the config stands, or beside this package. Throws PEER_MISSING. */
export function locateLibrary(configFile: string): string {
  for (const place of [configFile, import.meta.url])
    try {
      return createRequire(place).resolve(LIBRARY);
    } catch {}
  throw new Fault("PEER_MISSING", {
    needer: "captioner-transformers",
    name: LIBRARY,
    install: `${LIBRARY}@${VERSION}`,
  });
}
