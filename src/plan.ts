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
import type { StageFlow } from "./flow/types.ts";
import type { Builtins } from "./load.ts";
import { openingOrder } from "./pipeline.ts";
import { mapping } from "./plan/at.ts";
import { loadParts, type Parts } from "./plan/parts.ts";
import { borrowedNames, togetherProblems, togetherWarnings } from "./plan/together.ts";
import type { Plan } from "./plan/types.ts";

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
  const problems = [...text.problems, ...notAt(text.problems, found)];
  const warnings = "value" in core ? togetherWarnings(text, core.value, parts) : [];
  if (problems.length > 0 || !("value" in core)) return { problems, warnings };
  return { plan: makePlan(text, core.value, parts), problems, warnings };
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
