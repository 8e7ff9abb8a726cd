import type { ConfigText } from "../config/index.ts";
import type { Log } from "../host.ts";

/** JSON lines on standard error, without secrets; silent unless asked for, and only then is pino loaded. */
export async function logger(text: ConfigText, verbose: boolean): Promise<Log> {
  if (!verbose) return () => {};
  const { pino } = await import("pino");
  const log = pino({}, { write: (line) => void process.stderr.write(text.redact(line)) });
  return (plugin, message, fields) => log.info({ plugin, ...fields }, message);
}
