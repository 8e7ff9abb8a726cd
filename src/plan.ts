import {
  type Config,
  type ConfigText,
  configInvalid,
  configSchema,
  type Problem,
  problemAt,
  type StageUse,
  validate,
} from "./config/index.ts";
import { Fault } from "./errors.ts";
import type { StageFlow } from "./flow/types.ts";
import type { Builtins } from "./load.ts";
import { openingOrder } from "./pipeline.ts";
import { mapping } from "./plan/at.ts";
import { lookAt, refusalProblem } from "./plan/look.ts";
import { loadParts, type Parts } from "./plan/parts.ts";
import { borrowedNames, togetherProblems, togetherWarnings } from "./plan/together.ts";
import type { AnyPlanned, Plan } from "./plan/types.ts";
import type { Purpose } from "./plugin.ts";

export type { AnyPlanned, Plan, Planned, PlannedStage } from "./plan/types.ts";

export interface Checked {
  /** Absent where there are problems. */
  readonly plan?: Plan;
  readonly problems: readonly Problem[];
  /** What works, but hardly as it was meant. */
  readonly warnings: readonly Problem[];
}

export interface CheckOptions {
  /** Whether the config must name source, sink and deadLetters; by default, unless it is one for training or scoring. */
  readonly toRun?: boolean;
  /** Other plugins than those of this package. */
  readonly builtins?: Builtins;
  /** Whether to look at the files and folders that options name. Those of source and sinks count where the config is to run. */
  readonly look?: boolean;
  /** Flags that stand in place of the config's own ends, such as `source: "--input"`, and of `train.out`. */
  readonly flags?: Readonly<Partial<Record<End | "out", string>>>;
  /** What models are opened for; by default to be trained where there is a section for it and the config is not to run. */
  readonly purpose?: Purpose;
}

export type End = "source" | "sink" | "deadLetters";

/** Plans a config, or throws CONFIG_INVALID with all its problems. */
export async function planConfig(text: ConfigText, options?: CheckOptions): Promise<Plan> {
  return planOrThrow(text, await checkConfig(text, options));
}

/** The plan of a config that was checked, or CONFIG_INVALID. */
export function planOrThrow(text: ConfigText, { plan, problems }: Checked): Plan {
  if (plan === undefined) throw configInvalid(text, problems);
  return plan;
}

/**
 * Everything that can be known of a config before anything opens. Throws PLUGIN_OPEN_FAILED where the config is in order
 * and what a flag names is not.
 */
export async function checkConfig(text: ConfigText, options: CheckOptions = {}): Promise<Checked> {
  const { toRun, builtins, flags = {} } = options;
  const flagOf = ({ name, path }: AnyPlanned) => (path.length === 1 ? flags[name as End] : undefined);
  const broken = text.problems.some(({ code }) => code === "CONFIG_SYNTAX");
  if (broken) return { problems: text.problems, warnings: [] };
  const core = validate(configSchema, text.value, text, []);
  const parts = await loadParts(text, builtins);
  const found = [
    ...core.problems,
    ...missingEnds(text, toRun),
    ...(await sectionProblems(text)),
    ...parts.problems,
    ...(await togetherProblems(text, parts, builtins)),
  ];
  const refused = await refusals(text, parts, options);
  found.push(...(await sectionFiles(text, options)));
  found.push(...refused.filter(({ part }) => flagOf(part) === undefined).map((one) => refusalProblem(text, one)));
  const problems = [...text.problems, ...notAt(text.problems, found)];
  const warnings = "value" in core ? togetherWarnings(text, core.value, parts) : [];
  if (problems.length > 0 || !("value" in core)) return { problems, warnings };
  for (const { part, error } of refused)
    throw new Fault(
      "PLUGIN_OPEN_FAILED",
      { plugin: part.plugin.name, where: flagOf(part)!, why: error.message },
      { cause: error },
    );
  return { plan: makePlan(text, core.value, parts), problems, warnings };
}

/** Leaves out what is said of a place where the substitution failed already. */
const notAt = (first: readonly Problem[], others: readonly Problem[]): Problem[] =>
  others.filter(({ line, column }) => !first.some((known) => known.line === line && known.column === column));

function missingEnds(text: ConfigText, toRun: boolean | undefined): Problem[] {
  const raw = mapping(text.value);
  if (!(toRun ?? !(raw.train || raw.evaluate || raw.drift))) return [];
  return ["source", "sink", "deadLetters"]
    .filter((key) => raw[key] === undefined)
    .map((key) => problemAt(text, [], "CONFIG_KEY_MISSING", { key, expected: "{ use: plugin }" }));
}

/** What a command will not read or write is not looked at. */
async function sectionFiles(text: ConfigText, { toRun, look = true, purpose, flags }: CheckOptions) {
  const { train, evaluate, drift } = mapping(text.value);
  if (!look || toRun === true) return [];
  const looked = {
    train: train !== undefined && purpose !== "serve",
    evaluate: evaluate !== undefined && purpose !== "train",
    drift: drift !== undefined && purpose === undefined,
    outGiven: flags?.out !== undefined,
  };
  return (await import("./plan/look-sections.ts")).sectionFileProblems(text, looked);
}

async function refusals(text: ConfigText, parts: Parts, { toRun, look = true, ...options }: CheckOptions) {
  if (!look) return [];
  const { train } = mapping(text.value);
  const purpose = options.purpose ?? (train !== undefined && !toRun ? "train" : "serve");
  const ends = toRun === false ? [] : [parts.source, parts.sink, parts.deadLetters].flatMap((end) => end ?? []);
  return lookAt(text, [...ends, ...parts.resources, ...parts.stages], purpose);
}

/** The sections for training and scoring, by the schemas of those who read them. */
async function sectionProblems(text: ConfigText): Promise<readonly Problem[]> {
  const { train, evaluate, drift } = mapping(text.value);
  const problems: Problem[] = [];
  if (train)
    problems.push(...validate((await import("./train/config.ts")).trainSchema, train, text, ["train"]).problems);
  if (evaluate)
    problems.push(
      ...validate((await import("./evaluate/config.ts")).evaluateSchema, evaluate, text, ["evaluate"]).problems,
    );
  if (drift)
    problems.push(...validate((await import("./drift/config.ts")).driftSchema, drift, text, ["drift"]).problems);
  return problems;
}

function makePlan(text: ConfigText, config: Config, parts: Parts): Plan {
  const { order } = openingOrder(borrowedNames(parts.resources));
  const byName = new Map(parts.resources.map((resource) => [resource.name, resource]));
  return {
    text,
    window: config.window,
    delivery: config.delivery,
    order: config.order,
    drainMs: config.drainMs,
    ...(config.http && { http: config.http }),
    ...(config.log && { log: config.log }),
    ...(parts.source && { source: parts.source }),
    ...(parts.sink && { sink: parts.sink }),
    ...(parts.deadLetters && { deadLetters: parts.deadLetters }),
    resources: order.map((name) => byName.get(name)!),
    stages: parts.stages.map((stage, i) => ({ ...stage, flow: flowOf(config.stages[i]!) })),
    sections: {
      ...(config.train && { train: config.train }),
      ...(config.evaluate && { evaluate: config.evaluate }),
      ...(config.drift && { drift: config.drift }),
    },
  };
}

const flowOf = ({ batch, waitMs, concurrency, timeoutMs, onFail, cost }: StageUse): StageFlow => ({
  batch,
  waitMs,
  concurrency,
  timeoutMs,
  onFail,
  ...(cost !== undefined && { cost }),
});
