import { isatty } from "node:tty";
import { defineSink, fail, type Outcome, type Output, ok, z } from "starling-ner";
import { fileOutlet, standardOutlet } from "./outlet.ts";
import { newPage, type Page } from "./page.ts";
import { checkPlace } from "./place.ts";
import { paint, plain, pretty } from "./pretty.ts";

const options = z.strictObject({
  path: z.string().default("-").describe("`-` for standard output, or a file; a name ending in .gz is packed"),
  format: z
    .enum(["auto", "ndjson", "pretty"])
    .default("auto")
    .describe("ndjson: one JSON object a line; pretty: for people; auto: pretty on a terminal, else ndjson"),
  append: z.boolean().default(false).describe("Continue an existing file instead of beginning it anew"),
  fsync: z.boolean().default(false).describe("Acknowledge records only once the disk has them"),
});

export default defineSink({
  name: "sink-file",
  about: "Records to standard output or a file: one JSON object a line, or coloured text for people.",
  options,
  async check({ path }, host) {
    if (path === "-") return [];
    host.writes(host.resolve(path), ["path"]);
    return checkPlace(host.resolve(path)).then(
      () => [],
      (error: Error) => [{ option: ["path"], error }],
    );
  },
  async open({ path, format, append, fsync }, host) {
    const toTerminal = path === "-" && isatty(1);
    const text = format === "pretty" || (format === "auto" && toTerminal) ? prettyText(toTerminal) : ndjson;
    const outlet = path === "-" ? standardOutlet() : await fileOutlet({ path: host.resolve(path), fsync, append });
    const page = newPage();
    let last: Promise<unknown> = Promise.resolve();
    return {
      place: path === "-" ? "standard output" : host.resolve(path),
      write(batch) {
        // One batch after another, also where two are given at once: they share the page.
        const turn = last.then(async () => {
          const outcomes = writeLines(batch, text, page);
          const bytes = page.take();
          if (bytes.length > 0) await outlet.write(bytes);
          return outcomes;
        });
        last = turn.catch(() => {});
        return turn;
      },
      async close() {
        await last;
        await outlet.close();
      },
    };
  },
});

const done: Outcome<void> = ok(undefined);
const ndjson = ({ record }: Output) => `${JSON.stringify(record)}\n`;

function prettyText(toTerminal: boolean): (output: Output) => string {
  const by = toTerminal && !process.env.NO_COLOR ? paint : plain;
  return (output) => pretty(output, by);
}

/** A record that cannot be written is refused alone. */
const writeLines = (batch: readonly Output[], text: (output: Output) => string, page: Page): Outcome<void>[] =>
  batch.map((output) => {
    try {
      page.write(text(output));
      return done;
    } catch (error) {
      return fail(error as Error);
    }
  });
