import type { DestinationStream, Logger } from "pino";
import type { ConfigText } from "../config/index.ts";
import type { LogConfig } from "../config/log.ts";
import type { Log } from "../host.ts";
import { printable, printableLines } from "../printable.ts";

/** What plugins and the flow say, on standard error, without secrets. */
export interface Logs {
  /** JSON lines; silent unless asked for, and only then is pino loaded. */
  readonly log: Log;
  /** Sentences for people; JSON lines where those were asked for. */
  readonly warn: Log;
  /** JSON lines of what happens to single posts, as warnings; absent unless JSON lines were asked for. */
  readonly note?: Log;
}

/** JSON lines are asked for by `--verbose`, or by the section `log` of the config. */
export async function logsOf(text: ConfigText, verbose: boolean, config?: LogConfig): Promise<Logs> {
  if (!verbose && config === undefined) return { log: () => {}, warn: sentences(text) };
  const { pino } = await import("pino");
  const { level, posts } = config ?? { level: "info", posts: false };
  const write = (line: string) =>
    void process.stderr.write(printableLines(text.redact(posts ? line : withoutAddresses(line))));
  const logger = pino({ level, ...(!posts && { redact: { paths: ofPosts, censor: "[left out]" } }) }, {
    write,
  } as DestinationStream);
  return { log: saying(logger, "info"), warn: saying(logger, "warn"), note: saying(logger, "warn") };
}

const saying =
  (logger: Logger, level: "info" | "warn"): Log =>
  (plugin, message, fields) =>
    logger[level]({ plugin, ...fields }, message);

/** Fields whose value is what somebody wrote, here and one level down. */
const ofPosts = [
  "text",
  "words",
  "alt",
  "caption",
  "captions",
  "knowledge",
  "neighbours",
  "src",
  "url",
  "post",
].flatMap((name) => [name, `*.${name}`]);

/** A fault may quote the address of a picture: its host says enough to an operator, the rest says whose post it was. */
const withoutAddresses = (line: string): string =>
  line.replaceAll(/\b(https?:\/\/)(?:[^\s"\\/@]*@)?([^\s"\\/?#]+)[/?#][^\s"\\]*/g, "$1$2/[left out]");

/** `warning: tagger-onnx: provider cuda is not in use; cpu is (version default-957739d8)` */
const sentences =
  (text: ConfigText): Log =>
  (plugin, message, fields = {}) => {
    const details = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
    const more = details.length > 0 ? ` (${details.join(", ")})` : "";
    process.stderr.write(`warning: ${printable(text.redact(`${plugin}: ${message}${more}`))}\n`);
  };
