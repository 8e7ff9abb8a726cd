import { isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { counted } from "../counted.ts";
import { Fault } from "../errors.ts";
import {
  bytesOf,
  emptyCount,
  type Filter,
  type Found,
  fileOutbox,
  lettersOfFile,
  lettersOfTopic,
  type Outbox,
  originOf,
  passes,
  type ReplayCount,
  replayLetters,
  tallyLetters,
  topicOutbox,
} from "../letters/index.ts";
import { logUseOf, openLog } from "../log/of-plan.ts";
import { type Plan, planConfig } from "../plan.ts";
import { printable, printableLines } from "../printable.ts";
import type { DeadLetter } from "../schema/dead-letter.ts";
import { readConfig } from "./config-file.ts";
import { wholeNumber } from "./numbers.ts";
import { stopOnSignals } from "./signals.ts";
import { writtenAs } from "./written-as.ts";

interface Where {
  readonly config?: string;
  readonly file?: string;
  readonly topic?: string;
  readonly client?: string;
}

interface ListFlags extends Where, Filter {
  readonly limit?: string;
  readonly json?: boolean;
}

interface ShowFlags extends Where {
  readonly json?: boolean;
  readonly bytes?: boolean;
}

interface ReplayFlags extends Where, Filter {
  readonly limit?: string;
  readonly toTopic?: string;
  readonly toFile?: string;
  readonly dryRun?: boolean;
}

const notes = `
Without --file and --topic they are those of the config's deadLetters: a file, or a topic.`;

export function deadLettersCommand(): Command {
  return new Command("dead-letters")
    .addCommand(
      filtered(placed(new Command("list")))
        .description("list them, one a line, and count them by stage and code")
        .option("--limit <count>", "letters to list, at most")
        .option("--json", "one JSON object a line, without the bytes")
        .action(list),
    )
    .addCommand(
      placed(new Command("show"))
        .description("show one whole: reason, origin, headers and the original bytes")
        .argument("<place>", "as list shows it, such as posts-dead/0:7; or the post's origin, or its id")
        .option("--json", "the letter as one JSON object")
        .option("--bytes", "the original bytes and nothing else")
        .action(show),
    )
    .addCommand(
      filtered(placed(new Command("replay")))
        .description("send the original bytes again, to the topic they came from or another place")
        .option("--at <place>", "the letter at this place only")
        .option("--to-topic <name>", "send to this topic instead of the one each came from")
        .option("--to-file <path>", "write them to a new file, one a line, or - for standard output")
        .option("--limit <count>", "letters to send, at most")
        .option("--dry-run", "send nothing, and tell what would be sent")
        .action(replay),
    );
}

const placed = (command: Command) =>
  command
    .option("-c, --config <file>", "config whose dead letters they are")
    .option("-f, --file <path>", "file of dead letters, plain or gzip")
    .option("-t, --topic <name>", "topic of dead letters")
    .option("--client <name>", "resource of the config to reach the log by, where it has several")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes);

const filtered = (command: Command) =>
  command
    .option("--stage <name>", "only those that this stage could not handle; source, sink: the two ends")
    .option("--code <code>", "only those with this fault");

async function list({ limit, json, ...flags }: ListFlags): Promise<void> {
  const signal = stopOnSignals();
  const most = wholeNumber("--limit", limit) ?? Number.POSITIVE_INFINITY;
  await withLetters(await locate(flags), signal, async (letters) => {
    const tally = tallyLetters();
    let [listed, foreign] = [0, 0];
    for await (const { at, letter } of letters) {
      if (letter === undefined) foreign++;
      else if (passes(at, letter, flags)) {
        if (listed++ >= most) break;
        tally.add(letter);
        process.stdout.write(`${json ? JSON.stringify(brief(at, letter)) : line(at, letter)}\n`);
      }
    }
    process.stderr.write(`${printable(tally.tell())}${notLetters(foreign)}\n`);
  });
}

const brief = (at: string, { bytes: _, ...letter }: DeadLetter) => ({ at, ...letter });

function line(at: string, letter: DeadLetter): string {
  const { stage, code, attempts, postId, reason } = letter;
  const tries = counted(attempts, "attempt");
  const parts = [at, stage, code, tries, `of ${originOf(letter)}`, `post ${postId ?? "unreadable"}`, reason];
  return printable(parts.join("  "));
}

async function show(place: string, { json, bytes, ...flags }: ShowFlags): Promise<void> {
  const signal = stopOnSignals();
  await withLetters(await locate(flags), signal, async (letters) => {
    for await (const { at, letter } of letters) {
      if (letter === undefined || ![at, originOf(letter), letter.key, letter.postId].includes(place)) continue;
      if (bytes) process.stdout.write(bytesOf(letter));
      else process.stdout.write(json ? `${JSON.stringify({ at, ...letter })}\n` : whole(at, letter));
      return;
    }
    throw new Fault("USAGE", {
      what: `there is no dead letter ${place}`,
      help: "starling dead-letters list tells them",
    });
  });
}

/** Names and values keep to their lines, as otherwise a header could pass for the rows below it. */
function whole(at: string, letter: DeadLetter): string {
  const { stage, code, reason, attempts, postId, origin, key } = letter;
  const rows = Object.entries({
    at,
    stage,
    code,
    reason,
    attempts,
    origin: originOf(letter),
    post: postId ?? "unreadable",
    key,
    ...Object.fromEntries(Object.entries(origin.headers ?? {}).map(([name, value]) => [`header ${name}`, value])),
  });
  const bytes = bytesOf(letter);
  const shown = isUtf8(bytes)
    ? printableLines(bytes.toString("utf8"))
    : `${bytes.toString("hex")} (hexadecimal: they are no text)`;
  return `${rows.map(([name, value]) => printable(`${name}: ${value}`)).join("\n")}\nbytes (${bytes.length}):\n${shown}\n`;
}

async function replay({ limit, toTopic, toFile, dryRun = false, ...flags }: ReplayFlags): Promise<void> {
  const signal = stopOnSignals();
  if (toTopic !== undefined && toFile !== undefined)
    throw new Fault("USAGE", { what: "--to-topic and --to-file exclude each other", help: "name one place" });
  const rules = { filter: flags, limit: wholeNumber("--limit", limit) ?? Number.POSITIVE_INFINITY, dryRun };
  const place = await locate(flags);
  if (toTopic !== undefined) refuseTaken(toTopic, place);
  await withLetters(place, signal, async (letters, plan) => {
    await using outbox = await openOutbox({ toTopic, toFile, dryRun, client: flags.client }, plan);
    const count = emptyCount();
    try {
      await replayLetters(letters, outbox, rules, count);
    } finally {
      process.stderr.write(`${tellReplay(count, dryRun)}\n`);
    }
  });
}

/** Posts do not belong among letters, nor among events. */
function refuseTaken(toTopic: string, { topic, plan }: Place): void {
  const taken = toTopic === topic ? "where the dead letters are read" : plan && writtenAs(toTopic, plan);
  if (taken) throw new Fault("USAGE", { what: `${toTopic} is ${taken}`, help: "name another topic with --to-topic" });
}

interface To {
  readonly toTopic: string | undefined;
  readonly toFile: string | undefined;
  readonly client: string | undefined;
  readonly dryRun: boolean;
}

async function openOutbox(
  { toTopic, toFile, client, dryRun }: To,
  plan: Plan | undefined,
): Promise<Outbox & AsyncDisposable> {
  const closers = new AsyncDisposableStack();
  const close = { [Symbol.asyncDispose]: () => closers.disposeAsync() };
  const topicOf = (letter: DeadLetter) => toTopic ?? originTopic(letter);
  if (dryRun) return { ...(toFile === undefined ? dry(topicOf) : dry(() => toFile)), ...close };
  if (toFile === "-") return { ...fileOutbox("standard output", print), ...close };
  if (toFile !== undefined) {
    const file = await newFile(toFile);
    closers.defer(() => file.close());
    return { ...fileOutbox(toFile, (bytes) => file.appendFile(bytes)), ...close };
  }
  if (plan === undefined)
    throw new Fault("USAGE", {
      what: "sending to a topic needs a config that says how to reach the log",
      help: "name it with --config, or write to a file with --to-file",
    });
  const log = await openLog(plan, client ?? logUseOf(plan.deadLetters)?.client ?? logUseOf(plan.source)?.client);
  closers.defer(() => log.close());
  const producer = await log.client.producer();
  closers.defer(() => producer.close());
  return { ...topicOutbox(producer, topicOf), ...close };
}

const dry = (place: Outbox["place"]): Outbox => ({ place, send: async () => {} });
const print = (bytes: Buffer) => new Promise<void>((done) => process.stdout.write(bytes, () => done()));

/** A file that is there already is not written over: it may be the letters themselves. */
async function newFile(path: string) {
  try {
    return await open(path, "wx");
  } catch (cause) {
    throw new Fault("OUTPUT_FAILED", { output: path, reason: (cause as Error).message }, { cause });
  }
}

/** A lane of a log is `topic/partition`; one of a file is the file's name. */
function originTopic(letter: DeadLetter): string {
  const topic = /^(.+)\/\d+$/.exec(letter.origin.lane)?.[1];
  if (topic !== undefined) return topic;
  throw new Fault("USAGE", {
    what: `the post of ${originOf(letter)} came from a file`,
    help: "say where it goes with --to-topic or --to-file",
  });
}

/** Letters lie in a file, which needs no config, or in a topic. */
type Place =
  | { readonly plan: Plan | undefined; readonly path: string; readonly topic?: undefined }
  | { readonly plan: Plan; readonly topic: string; readonly client: string | undefined };

/** The place that the flags, or else the config's deadLetters, name. */
async function locate({ config, file, topic, client }: Where): Promise<Place> {
  if (file !== undefined && topic !== undefined)
    throw new Fault("USAGE", { what: "--file and --topic exclude each other", help: "name one place" });
  if (file !== undefined && config === undefined) return { plan: undefined, path: resolve(file) };
  const plan = await planConfig(await readConfig(config), { toRun: false });
  if (file !== undefined) return { plan, path: resolve(file) };
  const use = logUseOf(plan.deadLetters);
  const named = topic ?? use?.topic;
  return named === undefined ? { plan, path: fileOf(plan) } : { plan, topic: named, client: client ?? use?.client };
}
async function withLetters(
  place: Place,
  signal: AbortSignal,
  work: (letters: AsyncIterable<Found>, plan: Plan | undefined) => Promise<void>,
): Promise<void> {
  if (place.topic === undefined) return work(lettersOfFile(place.path, signal), place.plan);
  const log = await openLog(place.plan, place.client);
  try {
    await work(lettersOfTopic(log.client, place.topic, signal), place.plan);
  } finally {
    await log.close();
  }
}

function fileOf({ deadLetters, text }: Plan): string {
  const { path } = (deadLetters?.options ?? {}) as { path?: unknown };
  if (deadLetters?.plugin.name === "sink-file" && typeof path === "string" && path !== "-")
    return resolve(text.folder, path);
  throw new Fault("USAGE", {
    what: `the dead letters of ${text.file} lie neither in a file nor in a topic`,
    help: "name them with --file or --topic",
  });
}

/** `12 posts sent to posts; 1 was too long to be kept whole and cannot be sent` */
function tellReplay({ sent, cut, foreign }: ReplayCount, dryRun: boolean): string {
  const verb = dryRun ? "would be sent" : "sent";
  const places = [...sent].map(([place, count]) => `${counted(count, "post")} ${verb} to ${printable(place)}`);
  const said = places.length > 0 ? places.join("; ") : `0 posts ${verb}`;
  return `${said}${cut > 0 ? `; ${cut} were not kept whole and cannot be sent` : ""}${notLetters(foreign)}`;
}

const notLetters = (count: number) => (count > 0 ? `; ${count} records are no dead letters` : "");
