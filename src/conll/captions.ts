import { Fault } from "../errors.ts";
import { eachLine } from "./parse.ts";
import type { Sample } from "./sample.ts";

/** Reads `<image file> :<caption>` lines; answers captions by image id, the file's name without its ending. */
export function parseCaptions(text: string, file: string): Map<string, string> {
  const captions = new Map<string, string>();
  eachLine(text, (line, number) => {
    if (line === "") return;
    const colon = line.indexOf(":");
    if (colon <= 0)
      throw new Fault("DATA_MALFORMED", {
        file,
        line: number,
        cause: "no colon",
        fix: "write <image file> :<caption>",
      });
    captions.set(
      line
        .slice(0, colon)
        .trim()
        .replace(/\.[^.]*$/, ""),
      line.slice(colon + 1).trim(),
    );
  });
  if (captions.size === 0) throw new Fault("DATA_EMPTY", { file, expected: "<image file> :<caption> lines" });
  return captions;
}

/** Samples with the caption of their image; `missing` counts those without one. */
export function withCaptions(
  samples: readonly Sample[],
  captions: ReadonlyMap<string, string>,
): { readonly samples: readonly Sample[]; readonly missing: number } {
  let missing = 0;
  const joined = samples.map((sample) => {
    const caption = captions.get(sample.id);
    if (caption === undefined) missing++;
    return caption ? { ...sample, captions: [caption] } : sample;
  });
  return { samples: joined, missing };
}
