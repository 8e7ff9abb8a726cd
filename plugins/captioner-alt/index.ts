import {
  type Caption,
  captionLimits,
  checkFolders,
  cleanCaption,
  defineStage,
  ok,
  type Post,
  pass,
  z,
} from "starling-ner";
import { readSidecar } from "./sidecar.ts";

const options = z.strictObject({
  minChars: z.int().positive().default(3).describe("Shorter alt texts say nothing, in characters"),
  folders: z
    .array(z.string())
    .readonly()
    .default([])
    .describe("Folders whose image files may have a text beside them: picture.jpg.txt or picture.txt. None by default"),
  ...captionLimits,
});

type Options = z.output<typeof options>;

/** What programs put where the author said nothing. */
const empty = /^(an? )?(image|photo|picture|img|gif|graphic)\W*$/i;

export default defineStage({
  name: "captioner-alt",
  about: "Captions from the alt texts of images, and from text files beside them.",
  gives: ["captions"],
  options,
  check: ({ folders }, host) => checkFolders(folders, ["folders"], host),
  async open(settings, host) {
    const folders = settings.folders.map((folder) => host.resolve(folder));
    return {
      /** Only a file beside an image has to be waited for. */
      quick: ({ post }) =>
        folders.length > 0 && mayHaveSidecar(post, settings) ? undefined : answer(post, altCaptions(post, settings)),
      run: (batch) =>
        Promise.all(
          batch.map(async ({ post }) => {
            const alt = altCaptions(post, settings);
            return answer(post, [...alt, ...(await sidecarCaptions(post, alt, folders, settings))]);
          }),
        ),
    };
  },
});

function answer(post: Post, captions: readonly Caption[]) {
  if (captions.length > 0) return ok({ captions: captions.toSorted((a, b) => a.image - b.image) });
  return pass((post.images ?? []).length === 0 ? "no_image" : "no_alt");
}

const altCaptions = ({ images = [] }: Post, settings: Options): Caption[] =>
  images.flatMap(({ alt = "" }, image) => captionOf(alt, image, "captioner-alt", settings));

function captionOf(written: string, image: number, source: string, settings: Options): Caption[] {
  const text = cleanCaption(written, settings);
  return text.length < settings.minChars || empty.test(text) ? [] : [{ image, text, source }];
}

const mayHaveSidecar = (post: Post, settings: Options): boolean =>
  altCaptions(post, settings).length < (post.images ?? []).length;

async function sidecarCaptions(
  { images = [] }: Post,
  had: readonly Caption[],
  folders: readonly string[],
  settings: Options,
): Promise<Caption[]> {
  const found = images.map(async ({ src }, image) => {
    if (src === undefined || had.some((caption) => caption.image === image)) return [];
    return captionOf((await readSidecar(folders, src)) ?? "", image, "captioner-alt/file", settings);
  });
  return (await Promise.all(found)).flat();
}
