import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type CheckHost, Fault, z } from "starling-ner";
import { parse } from "yaml";
import { type Options, type Price, price } from "./options.ts";

const file = z.strictObject({
  date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "is not a day such as 2026-06-21"),
  sources: z.array(z.string()).min(1),
  models: z.record(z.string(), price),
});

export const pricesFile = ({ prices }: Options, { resolve }: Pick<CheckHost, "resolve">): string =>
  prices === undefined
    ? fileURLToPath(new URL("config/prices.yaml", import.meta.resolve("starling-ner/package.json")))
    : resolve(prices);

/** What the model costs by the options or the file of prices; undefined where nothing says so. Throws PRICES_UNREADABLE. */
export async function priceOf(options: Options, model: string, path: string): Promise<Price | undefined> {
  if (options.price !== undefined) return options.price;
  const { models } = await readPrices(path);
  // `gpt-4o-mini-2024-07-18` costs what `gpt-4o-mini` does, unless the file says otherwise.
  return models[model] ?? models[model.replace(/-\d{4}-\d{2}-\d{2}$/, "")];
}

export async function readPrices(path: string): Promise<z.output<typeof file>> {
  const unreadable = (reason: string, cause?: unknown) =>
    new Fault("PRICES_UNREADABLE", { file: path, reason }, { cause });
  const given = await readFile(path, "utf8")
    .then(parse)
    .catch((cause: Error) => {
      throw unreadable(cause.message, cause);
    });
  const { success, data, error } = file.safeParse(given);
  if (!success) throw unreadable(`${error.issues[0]!.path.join(".")}: ${error.issues[0]!.message}`);
  return data;
}
