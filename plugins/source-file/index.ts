import { access } from "node:fs/promises";
import { type Delivery, defineSource, Fault, fail, isFault, type Refusal, z } from "starling-ner";
import { hasImages, withImages } from "./images.ts";
import { findInputs, type Input, reachable } from "./inputs.ts";
import { LineOrigin, readPiece } from "./lines.ts";
import { pieces } from "./pieces.ts";

const options = z.strictObject({
  path: z
    .string()
    .default("-")
    .describe("`-` for standard input, a file, or a folder of .ndjson and .jsonl files; gzip is recognised"),
  maxLineBytes: z
    .int()
    .positive()
    .default(8 * 1024 * 1024)
    .describe("A longer line is a failed post"),
  images: z
    .string()
    .optional()
    .describe("Folder that image paths start from and may not leave; by default that of the input"),
  checkImages: z.boolean().default(true).describe("Fail posts whose image file or data URI is missing or is no image"),
});

type Options = z.output<typeof options>;

export default defineSource({
  name: "source-file",
  about: "Posts from standard input, a file or a folder: one JSON object a line, plain or gzip.",
  options,
  async check({ path, images, checkImages }, host) {
    const inputs = refused("path", async () => {
      for (const { file } of await findInputs(path === "-" ? "-" : host.resolve(path)))
        if (file !== undefined) host.reads(file, ["path"]);
    });
    const folder = images === undefined || !checkImages ? undefined : host.resolve(images);
    const pictures = folder === undefined ? [] : refused("images", () => reachable(folder, () => access(folder)));
    return [...(await inputs), ...(await pictures)];
  },
  async open(settings, host) {
    const inputs = await findInputs(settings.path === "-" ? "-" : host.resolve(settings.path));
    const images = settings.images === undefined ? undefined : host.resolve(settings.images);
    return {
      async *read(signal) {
        for (const input of inputs)
          for await (const chunk of readInput(
            images === undefined ? input : { ...input, folder: images },
            settings,
            signal,
          )) {
            if (signal.aborted) return;
            yield chunk;
          }
      },
    };
  },
});

async function refused(option: keyof Options, look: () => Promise<unknown>): Promise<Refusal[]> {
  try {
    await look();
    return [];
  } catch (error) {
    return [{ option: [option], error: error as Error }];
  }
}

async function* readInput(input: Input, options: Options, signal: AbortSignal): AsyncGenerator<readonly Delivery[]> {
  let line = 0;
  try {
    for await (const piece of pieces(input.bytes(signal), options.maxLineBytes)) {
      const { deliveries, nextLine } = readPiece(piece, input.lane, line, options.maxLineBytes);
      line = nextLine;
      if (deliveries.length > 0) yield await looked(deliveries, input, options);
    }
  } catch (cause) {
    if (isFault(cause)) throw cause;
    // The rest of this input is lost, those after it are not.
    yield [broken(input, line, cause as Error)];
  }
}

async function looked(
  deliveries: Delivery[],
  { folder }: Input,
  { checkImages }: Options,
): Promise<readonly Delivery[]> {
  if (!deliveries.some(hasImages)) return deliveries;
  return Promise.all(
    deliveries.map((delivery) =>
      hasImages(delivery) ? withImages(delivery, { folder, check: checkImages }) : delivery,
    ),
  );
}

function broken({ lane }: Input, line: number, cause: Error): Delivery {
  const error = new Fault("INPUT_CORRUPT", { input: lane, line, reason: cause.message }, { cause });
  const nothing = Buffer.alloc(0);
  return { post: fail(error), origin: new LineOrigin(lane, line, nothing, 0, 0), settle() {} };
}
