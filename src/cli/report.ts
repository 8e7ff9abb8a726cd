import { type Fault, isFault } from "../errors.ts";
import { printableLines } from "../printable.ts";

type Redact = (text: string) => string;
let redact: Redact = (text) => text;

/** From now on nothing that is reported shows what `hide` puts out of sight: causes and stacks quote secrets too. */
export function reportWithout(hide: Redact): void {
  redact = hide;
}

/**
 * Writes to standard error what happened: a fault as its sentence, anything else with its stack, for it is our mistake.
 * Sentences may quote a post, so what a terminal would obey is written out.
 */
export function report(error: unknown, verbose: boolean): void {
  process.stderr.write(printableLines(redact(`starling: ${describe(error, verbose)}\n`)));
}

/** Its own code and that of the fault behind it: `docs/errors.md` says of each what to do. */
const codes = ({ code, cause }: Fault): string => (isFault(cause) ? `${code}: ${cause.code}` : code);

export function describe(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return `UNEXPECTED: ${String(error)}`;
  // The code stands behind the first line: each problem of a config, below it, has its own.
  const sentence = isFault(error)
    ? error.message.replace(/\n|$/, ` [${codes(error)}]$&`)
    : `UNEXPECTED: ${error.stack ?? error.message}`;
  if (!verbose || !isFault(error)) return sentence;
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : "";
  return `${sentence}\n${error.stack ?? ""}${cause}`;
}
