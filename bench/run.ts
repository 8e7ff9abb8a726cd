/**
 * `npm run bench -- NAME [--scale 0.1] [ARGUMENTS]` runs ./NAME.ts, which prints lines for people, and prints its
 * result last, as one line of JSON. `ratio` compares the two sides of the bench, which its file names; null says "not
 * measured here". Where a figure is asked for, it stands beside as `wanted`.
 */
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Share of the full work, above 0, at most 1. */
  readonly scale: number;
  readonly args: readonly string[];
}
export type Bench = (options: BenchOptions) => Promise<Record<string, unknown>>;

const usage = "npm run bench -- NAME [--scale 0.1] [ARGUMENTS]";

/** The files here that export a bench; others are their helpers. */
async function benches(): Promise<string[]> {
  const files = (await readdir(import.meta.dirname)).filter((file) => /^(?!run\.)[\w-]+\.ts$/.test(file));
  const isBench = (file: string) => /^export default /m.test(readFileSync(join(import.meta.dirname, file), "utf8"));
  return files
    .filter(isBench)
    .map((file) => file.slice(0, -".ts".length))
    .sort();
}

function readArguments(): { name: string | undefined; options: BenchOptions } {
  const { values, tokens } = parseArgs({
    options: { scale: { type: "string", default: "1" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) stop(`--scale is ${values.scale}; give a number above 0, at most 1`);
  const isScale = (index: number) => tokens.some((t) => t.kind === "option" && t.name === "scale" && covers(t, index));
  const [name, ...args] = process.argv.slice(2).filter((_, index) => !isScale(index));
  return { name, options: { scale, args } };
}

const covers = (token: { index: number; inlineValue?: boolean | undefined }, index: number): boolean =>
  index === token.index || (token.inlineValue === false && index === token.index + 1);

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}

const { name, options } = readArguments();
const known = await benches();
if (name === undefined || !known.includes(name)) {
  const said = name === undefined ? "Which bench?" : `There is no bench "${name}".`;
  stop(`${said} Known: ${known.join(", ")}\n${usage}`);
}
const { default: bench } = (await import(`./${name}.ts`)) as { default: Bench };
const result = await bench(options);
if (result.bench === undefined || result.ratio === undefined) stop(`bench/${name}.ts gave no "bench" or no "ratio"`);
console.log(JSON.stringify(result));
