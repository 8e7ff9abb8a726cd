import {
  type Config,
  type ConfigText,
  configInvalid,
  configSchema,
  type Path,
  type Problem,
  problemAt,
  type StageUse,
  validate,
} from "./config/index.ts";
import { isFault } from "./errors.ts";
import type { Fact } from "./facts.ts";
import type { StageFlow } from "./flow/types.ts";
import { type Builtins, type Kind, loadBuiltins, loadPlugin, type PluginOf } from "./load.ts";
import { checkBorrows, checkNames, checkOrder, type Finding, openingOrder } from "./pipeline.ts";
import type { Borrow } from "./plugin.ts";

/** A plugin with its checked options: everything that can be known of it before it opens. */
export interface Planned<K extends Kind> {
  /** Unique in its pipeline: the stage's or the resource's name, `source`, `sink` or `deadLetters`. */
  readonly name: string;
  readonly plugin: PluginOf<K>;
  readonly options: unknown;
  /** As written, without secrets. */
  readonly shown: unknown;
  readonly path: Path;
}

export interface PlannedStage extends Planned<"stage"> {
  readonly flow: StageFlow;
}

/** A config whose plugins are loaded and whose order holds; nothing is open. */
export interface Plan {
  readonly text: ConfigText;
  readonly window: number;
  readonly source?: Planned<"source">;
  readonly sink?: Planned<"sink">;
  readonly deadLetters?: Planned<"sink">;
  /** In the order in which they open. */
  readonly resources: readonly Planned<"resource">[];
  readonly stages: readonly PlannedStage[];
  /** The sections for training and scoring, as they stand in the config. */
  readonly sections: Pick<Config, "train" | "evaluate">;
}

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
}

/** Plans a config, or throws CONFIG_INVALID with all its problems. */
export async function planConfig(text: ConfigText, options?: CheckOptions): Promise<Plan> {
  return planOrThrow(text, await checkConfig(text, options));
}

/** The plan of a config that was checked, or CONFIG_INVALID. */
export function planOrThrow(text: ConfigText, { plan, problems }: Checked): Plan {
  if (plan === undefined) throw configInvalid(text, problems);
  return plan;
}

/** Everything that can be known of a config before anything opens. */
export async function checkConfig(text: ConfigText, { toRun, builtins }: CheckOptions = {}): Promise<Checked> {
  const syntax = text.problems.some(({ code }) => code === "CONFIG_SYNTAX");
  if (syntax) return { problems: text.problems, warnings: [] };
  const core = validate(configSchema, text.value, text, []);
  const parts = await loadParts(text, builtins);
  const whole = "value" in core && parts.problems.length === 0;
  const together = whole ? await checkTogether(text, core.value, parts, builtins) : nothing;
  const alone = [...core.problems, ...missingEnds(text, toRun), ...(await sectionProblems(text))];
  const problems = [...text.problems, ...notAt(text.problems, [...alone, ...parts.problems, ...together.problems])];
  if (problems.length > 0 || !("value" in core)) return { problems, warnings: together.warnings };
  return { plan: makePlan(text, core.value, parts), problems, warnings: together.warnings };
}

/** Leaves out what is said of a place where the substitution failed already. */
const notAt = (first: readonly Problem[], others: readonly Problem[]): Problem[] =>
  others.filter(({ line, column }) => !first.some((known) => known.line === line && known.column === column));

function missingEnds(text: ConfigText, toRun: boolean | undefined): Problem[] {
  const raw = mapping(text.value);
  if (!(toRun ?? !(raw.train || raw.evaluate))) return [];
  return ["source", "sink", "deadLetters"]
    .filter((key) => raw[key] === undefined)
    .map((key) => problemAt(text, [], "CONFIG_KEY_MISSING", { key, expected: "{ use: plugin }" }));
}

/** The sections for training and scoring, by the schemas of those who read them. */
async function sectionProblems(text: ConfigText): Promise<readonly Problem[]> {
  const { train, evaluate } = mapping(text.value);
  const problems: Problem[] = [];
  if (train)
    problems.push(...validate((await import("./train/config.ts")).trainSchema, train, text, ["train"]).problems);
  if (evaluate)
    problems.push(
      ...validate((await import("./evaluate/config.ts")).evaluateSchema, evaluate, text, ["evaluate"]).problems,
    );
  return problems;
}

const nothing = { problems: [], warnings: [] };

interface Parts {
  readonly source?: Planned<"source">;
  readonly sink?: Planned<"sink">;
  readonly deadLetters?: Planned<"sink">;
  readonly resources: readonly Planned<"resource">[];
  readonly stages: readonly Planned<"stage">[];
  readonly problems: readonly Problem[];
}

/** Loads each plugin that is named, as far as the config can be read, so that all problems are reported at once. */
async function loadParts(text: ConfigText, builtins: Builtins | undefined): Promise<Parts> {
  const problems: Problem[] = [];
  const load = <K extends Kind>(kind: K, path: Path, name?: string) =>
    loadPart(kind, { text, path, problems, builtins, ...(name !== undefined && { name }) });
  const raw = mapping(text.value);
  const [source, sink, deadLetters] = [
    await load("source", ["source"], "source"),
    await load("sink", ["sink"], "sink"),
    await load("sink", ["deadLetters"], "deadLetters"),
  ];
  const resources = [];
  for (const name of Object.keys(mapping(raw.resources)))
    resources.push(await load("resource", ["resources", name], name));
  const stages = [];
  for (const i of Array.isArray(raw.stages) ? raw.stages.keys() : []) stages.push(await load("stage", ["stages", i]));
  const found = <T>(part: T | undefined) => part !== undefined;
  return {
    ...(source && { source }),
    ...(sink && { sink }),
    ...(deadLetters && { deadLetters }),
    resources: resources.filter(found),
    stages: stages.filter(found),
    problems,
  };
}

interface LoadOptions {
  readonly text: ConfigText;
  readonly path: Path;
  readonly name?: string;
  readonly problems: Problem[];
  readonly builtins: Builtins | undefined;
}

async function loadPart<K extends Kind>(
  kind: K,
  { text, path, name, problems, builtins }: LoadOptions,
): Promise<Planned<K> | undefined> {
  const raw = mapping(at(text.value, path));
  if (typeof raw.use !== "string" || raw.use === "") return undefined;
  try {
    const plugin = await loadPlugin(raw.use, kind, text.file, builtins);
    const options = validate(plugin.options, raw.options ?? {}, text, [...path, "options"]);
    problems.push(...options.problems);
    if (!("value" in options)) return undefined;
    const own = typeof raw.name === "string" ? raw.name : plugin.name;
    return { name: name ?? own, plugin, options: options.value, shown: at(text.shown, [...path, "options"]), path };
  } catch (error) {
    if (!isFault(error)) throw error;
    problems.push({ code: error.code, message: error.message, file: text.file, ...text.position([...path, "use"]) });
    return undefined;
  }
}

const mapping = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((v, step) => (v as Record<string | number, unknown> | null | undefined)?.[step], value);

/** What can only be told of the parts together: order of facts, names, borrowing, window. */
async function checkTogether(text: ConfigText, config: Config, parts: Parts, builtins: Builtins | undefined) {
  const stages = parts.stages.map(({ name, plugin }, i) => ({ ...plugin, name, onFail: config.stages[i]!.onFail }));
  const order = checkOrder(stages, new Map());
  const explained = order.some(({ code }) => code === "FACT_MISSING")
    ? checkOrder(stages, await giversOf(builtins))
    : order;
  const onStages = [...explained, ...checkNames(stages)].map((finding) => stageProblem(text, finding));
  const circle = openingOrder(borrowedNames(parts.resources)).cycle;
  const cycles = circle
    ? [problemAt(text, ["resources", circle[0]!], "RESOURCE_CYCLE", { names: circle.join(", ") }, "key")]
    : [];
  return {
    problems: [...onStages, ...borrowProblems(text, parts), ...cycles],
    warnings: [...windowWarning(text, config), ...unusedWarnings(text, config, parts)],
  };
}

function stageProblem(text: ConfigText, { at, code, details }: Finding): Problem {
  return problemAt(text, ["stages", at], code, details as never);
}

/** For each fact, the built-in stages that give it. */
async function giversOf(builtins: Builtins | undefined): Promise<ReadonlyMap<Fact, readonly string[]>> {
  const givers = new Map<Fact, string[]>();
  for (const plugin of await loadBuiltins(builtins))
    for (const fact of plugin.kind === "stage" ? plugin.gives : [])
      givers.set(fact, [...(givers.get(fact) ?? []), plugin.name]);
  return givers;
}

const borrowsOf = ({ plugin, options }: Planned<"stage"> | Planned<"resource">): readonly Borrow[] =>
  plugin.borrows?.(options) ?? [];

const borrowedNames = (resources: readonly Planned<"resource">[]) =>
  new Map(resources.map((resource) => [resource.name, borrowsOf(resource).map(({ name }) => name)]));

function borrowProblems(text: ConfigText, { resources, stages }: Parts): Problem[] {
  const ports = new Map(resources.map(({ name, plugin }) => [name, plugin.fills.name]));
  return [...resources, ...stages].flatMap((part) =>
    checkBorrows({ at: part.path, name: part.name, borrows: borrowsOf(part) }, ports).map(({ at, code, details }) =>
      problemAt(text, optionHolding(text, at, details), code, details as never),
    ),
  );
}

/** The option whose value is the name that was borrowed, so that the problem points at it. */
function optionHolding(text: ConfigText, path: Path, details: object): Path {
  const options = Object.entries(mapping(at(text.value, [...path, "options"])));
  const found = options.find(([, value]) => "name" in details && value === details.name);
  return found ? [...path, "options", found[0]] : path;
}

/** A warning, not a problem: events are the same, they only come slower. */
function windowWarning(text: ConfigText, { window, stages }: Config): Problem[] {
  const sum = stages.reduce((total, { batch, concurrency }) => total + batch * concurrency, 0);
  return window < sum ? [problemAt(text, ["window"], "WINDOW_SMALL", { window, sum })] : [];
}

/** Not for configs that train or score: those sections name resources too. */
function unusedWarnings(text: ConfigText, config: Config, { resources, stages }: Parts): Problem[] {
  if (config.train || config.evaluate) return [];
  const used = new Set([...resources, ...stages].flatMap(borrowsOf).map(({ name }) => name));
  return resources
    .filter(({ name }) => !used.has(name))
    .map(({ name, path }) => problemAt(text, path, "RESOURCE_UNUSED", { name }, "key"));
}

function makePlan(text: ConfigText, config: Config, parts: Parts): Plan {
  const { order } = openingOrder(borrowedNames(parts.resources));
  const byName = new Map(parts.resources.map((resource) => [resource.name, resource]));
  return {
    text,
    window: config.window,
    ...(parts.source && { source: parts.source }),
    ...(parts.sink && { sink: parts.sink }),
    ...(parts.deadLetters && { deadLetters: parts.deadLetters }),
    resources: order.map((name) => byName.get(name)!),
    stages: parts.stages.map((stage, i) => ({ ...stage, flow: flowOf(config.stages[i]!) })),
    sections: { ...(config.train && { train: config.train }), ...(config.evaluate && { evaluate: config.evaluate }) },
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
