import type { ConfigText } from "../config/index.ts";
import type { Log } from "../host.ts";
import { printable, printableLines } from "../printable.ts";

/** What plugins say, on standard error, without secrets. */
export interface Logs {
  /** JSON lines; silent unless asked for, and only then is pino loaded. */
  readonly log: Log;
  /** Sentences for people; JSON lines where those were asked for. */
  readonly warn: Log;
}

export async function logsOf(text: ConfigText, verbose: boolean): Promise<Logs> {
  if (!verbose) return { log: () => {}, warn: sentences(text) };
  const { pino } = await import("pino");
  const log = pino({}, { write: (line) => void process.stderr.write(printableLines(text.redact(line))) });
  return {
    log: (plugin, message, fields) => log.info({ plugin, ...fields }, message),
    warn: (plugin, message, fields) => log.warn({ plugin, ...fields }, message),
  };
}

/** `warning: tagger-onnx: provider cuda is not in use; cpu is (version default-957739d8)` */
const sentences =
  (text: ConfigText): Log =>
  (plugin, message, fields = {}) => {
    const details = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
    const more = details.length > 0 ? ` (${details.join(", ")})` : "";
    process.stderr.write(`warning: ${printable(text.redact(`${plugin}: ${message}${more}`))}\n`);
  };
