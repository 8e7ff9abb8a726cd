import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { Command } from "commander";
import { type Added, addToBank, type BankReport, bankBytes, bankLines, checkBank, readPgim } from "../bank/index.ts";
import { openRetriever, type RetrieverChoice, retrieverConfig } from "../bank/plan.ts";
import type { Bank, Demonstration } from "../bank.ts";
import { counted } from "../counted.ts";
import { Fault } from "../errors.ts";
import type { Facts } from "../facts.ts";
import type { Log } from "../host.ts";
import type { Outcome } from "../outcome.ts";
import { type Plan, planConfig } from "../plan.ts";
import type { Stage } from "../plugin.ts";
import { printable } from "../printable.ts";
import { readConfig } from "./config-file.ts";
import { wholeNumber } from "./numbers.ts";
import { stopOnSignals } from "./signals.ts";

interface Where {
  readonly config?: string;
  readonly bank?: string;
  readonly model?: string;
  readonly tagger?: string;
  readonly cache?: string;
}

interface SearchFlags extends Where {
  readonly caption?: string;
  readonly n?: string;
  readonly json?: boolean;
}

interface AddFlags {
  readonly pgim?: string;
  readonly entities?: string;
  readonly posts?: string;
  readonly captions?: string;
  readonly evenSimilar?: boolean;
}

const notes = `
A bank is a file of demonstrations: posts that people have answered, one JSON object a line. docs/retrieval.md tells the keys.
  starling bank search "Adele at Wembley tonight" --caption "a singer on a stage"
  starling bank add my.ndjson new.ndjson
  starling bank add my.ndjson --pgim 2017train.txt --entities 2017train_GPT.txt --posts train.txt --captions captions.txt`;

export function bankCommand(): Command {
  return new Command("bank")
    .addCommand(
      placed(new Command("build"))
        .description("make the vectors of a bank, and a graph over them where it is large, before a service needs them")
        .action(build),
    )
    .addCommand(
      new Command("add")
        .description("append demonstrations to a bank; what it has already, and what is much the same, is left out")
        .argument("<bank>", "file to append to; made where it is not there")
        .argument("[source]", "demonstrations to append, one a line; - for standard input")
        .option("--pgim <file>", "or PGIM's answers: a line with the id, a line with the answer")
        .option("--entities <file>", "with --pgim: the entities of the same ids")
        .option("--posts <file>", "with --pgim: the corpus, CoNLL with IMGID: lines")
        .option("--captions <file>", "with --pgim: <image file> :<caption> lines")
        .option("--even-similar", "append also what shares half of its 5-grams with another")
        .option("--verbose", "show stacks of faults")
        .action(add),
    )
    .addCommand(
      new Command("check")
        .description("tell what is in a bank, and everything that is wrong with it")
        .argument("<bank>", "file to check")
        .option("--json", "one JSON object")
        .option("--verbose", "show stacks of faults")
        .action(check),
    )
    .addCommand(
      placed(new Command("search"))
        .description("show the demonstrations that are nearest to a post, with their cosine")
        .argument("<text>", "the post's text")
        .option("--caption <text>", "what is seen on its picture")
        .option("-n, --n <count>", "demonstrations to show; without a config")
        .option("--json", "one JSON object a line")
        .action(search),
    )
    .addHelpText("after", notes);
}

const placed = (command: Command): Command =>
  command
    .option("-c, --config <file>", "config whose retriever, bank and tagger are meant; or, without one:")
    .option("--bank <file>", "bank; by default the one that comes with the package")
    .option("--model <folder>", "model; by default the one that comes with the package")
    .option("--tagger <plugin>", "plugin that opens the model", "tagger-onnx")
    .option("--cache <folder>", "where the vectors are kept; by default beside the bank")
    .option("--verbose", "show stacks of faults");

async function build(flags: Where): Promise<void> {
  await withRetriever(flags, async () => {}, tell);
}

/** What the parts say while they open: features made or read, the graph and its recall. */
const tell = (_: string, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
  const said = Object.entries(fields).map(([key, value]) => `${key} ${value}`);
  process.stderr.write(`${printable([message, ...said].join(", "))}\n`);
};

async function search(text: string, { caption, n, json, ...flags }: SearchFlags): Promise<void> {
  const signal = stopOnSignals();
  const captions = caption === undefined ? [] : [{ image: 0, text: caption, source: "search" }];
  const view = { post: { id: "starling bank search", text }, facts: { captions } };
  await withRetriever({ ...flags, n: wholeNumber("--n", n) }, async (stage, bank) => {
    const [outcome] = await (stage as Stage<never, "captions", "neighbours">).run([view], signal);
    for (const { id, similarity } of neighboursOf(outcome)) {
      const found = bank?.get(id);
      const line = json
        ? JSON.stringify({ id, similarity, text: found?.text, entities: found?.entities })
        : `${similarity.toFixed(4)}  ${id}  ${printable(found?.text ?? "")}`;
      process.stdout.write(`${line}\n`);
    }
  });
}

function neighboursOf(outcome: Outcome<Pick<Facts, "neighbours">> | undefined): Facts["neighbours"] {
  if (outcome?.kind === "fail") throw outcome.error;
  return outcome?.kind === "ok" ? outcome.value.neighbours : [];
}

type Use = (stage: Stage, bank: Bank | undefined) => Promise<void>;

async function withRetriever({ config, ...choice }: RetrieverChoice & Where, use: Use, log: Log = () => {}) {
  const plan = await planOf(config, choice);
  const { stage, bank, close } = await openRetriever(plan, log);
  try {
    await use(stage, bank);
  } finally {
    await close();
  }
}

function planOf(config: string | undefined, choice: RetrieverChoice): Promise<Plan> {
  if (config === undefined) return planConfig(retrieverConfig(choice), { toRun: false });
  const foreign = (["bank", "model", "cache", "n"] as const).find((flag) => choice[flag] !== undefined);
  if (foreign !== undefined)
    throw new Fault("USAGE", { what: `--${foreign} goes without a config`, help: "write it into the config" });
  return readConfig(config).then((text) => planConfig(text, { toRun: false, purpose: "serve" }));
}

async function add(bank: string, source: string | undefined, { evenSimilar = false, ...flags }: AddFlags) {
  const demonstrations = flags.pgim === undefined ? await linesFrom(source) : await samplesFrom(source, flags);
  const file = resolve(bank);
  const done = await addToBank(file, demonstrations, { evenSimilar });
  for (const { first, second, overlap } of done.similar)
    process.stderr.write(
      `${printable(`${second} is much like ${first} (${percent(overlap)} of 5-grams), left out`)}\n`,
    );
  process.stderr.write(`${tellAdded(done, file)}\n`);
}

function tellAdded({ added, known, similar }: Added, file: string): string {
  const left = new Set(similar.map(({ second }) => second)).size;
  const why = [
    ...(known > 0 ? [`${known} already there`] : []),
    ...(left > 0 ? [`${left} too similar, --even-similar takes them`] : []),
  ];
  return `${added.length} ${added.length === 1 ? "demonstration" : "demonstrations"} added to ${file}${why.length > 0 ? ` (${why.join("; ")})` : ""}`;
}

async function linesFrom(source: string | undefined): Promise<readonly Demonstration[]> {
  if (source === undefined)
    throw new Fault("USAGE", { what: "nothing to add", help: "name a file of demonstrations, -, or --pgim FILE" });
  const bytes = source === "-" ? await buffer(process.stdin) : await bankBytes(source);
  const { demonstrations, problems } = bankLines(bytes, source === "-" ? "standard input" : source);
  if (problems.length > 0) throw problems[0]!;
  return demonstrations;
}

async function samplesFrom(source: string | undefined, { pgim, entities, posts, captions }: AddFlags) {
  if (source !== undefined)
    throw new Fault("USAGE", { what: `${source} and --pgim exclude each other`, help: "name one of them" });
  if (entities === undefined || posts === undefined)
    throw new Fault("USAGE", { what: "--pgim alone is no demonstration", help: "name --entities and --posts too" });
  return readPgim({ answers: pgim!, entities, posts, captions });
}

async function check(bank: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { demonstrations, problems } = bankLines(await bankBytes(bank), bank);
  const report = checkBank(demonstrations);
  const wrong = problems.length + report.similar.length + report.unfound.length + (demonstrations.length === 0 ? 1 : 0);
  if (wrong > 0) process.exitCode = 2;
  if (json) {
    const told = problems.map(({ code, message }) => ({ code, message }));
    process.stdout.write(`${JSON.stringify({ file: bank, ...report, problems: told })}\n`);
    return;
  }
  for (const { message, code } of problems) process.stderr.write(`${printable(`${message} [${code}]`)}\n`);
  for (const line of complaintsOf(report)) process.stderr.write(`${printable(line)}\n`);
  process.stdout.write(`${printable(summaryOf(bank, report))}\n`);
}

function* complaintsOf({ similar, unfound, demonstrations }: BankReport): Generator<string> {
  for (const { first, second, overlap, of } of similar)
    yield `${second} is much like ${first}: ${percent(overlap)} of the 5-grams of ${of === "text" ? "their texts" : "all they say"}`;
  for (const { id, entity, in: place } of unfound) yield `${id}: the entity "${entity}" is not in its ${place}`;
  if (demonstrations === 0) yield "it holds no demonstration";
}

function summaryOf(bank: string, { demonstrations, withCaption, withoutEntities, types }: BankReport): string {
  const each = Object.entries(types).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const counts = each.map(([type, count]) => `${type} ${count}`).join(", ") || "no entities";
  const share = demonstrations === 0 ? "" : ` (${percent(withoutEntities / demonstrations)})`;
  return `${bank}: ${counted(demonstrations, "demonstration")}, ${withCaption} with a caption, ${withoutEntities} without entities${share}; ${counts}`;
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;
