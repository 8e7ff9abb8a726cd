import { type Config, type ConfigText, type Path, type Problem, problemAt } from "../config/index.ts";
import type { Fact } from "../facts.ts";
import type { OnFail } from "../flow/types.ts";
import { type Builtins, loadBuiltins } from "../load.ts";
import { log as logPort } from "../log/port.ts";
import { checkBorrows, checkNames, checkOrder, checkUnused, checkUses, openingOrder } from "../pipeline.ts";
import type { Borrow } from "../plugin.ts";
import { at, mapping } from "./at.ts";
import { driftClientProblems } from "./drift-section.ts";
import type { Parts } from "./parts.ts";
import { topicProblems } from "./topics.ts";
import type { AnyPlanned, Planned } from "./types.ts";

/**
 * What can only be told of the parts together: order of facts, names, and who borrows what, or writes where. Where a part has something
 * wrong, as much of it as is known counts.
 */
export async function togetherProblems(text: ConfigText, parts: Parts, builtins?: Builtins): Promise<Problem[]> {
  return [
    ...(await stageProblems(text, parts, builtins)),
    ...borrowProblems(text, parts),
    ...circleProblems(text, parts),
    ...deliveryProblems(text, parts),
    ...driftClientProblems(text, parts),
    ...topicProblems(text, endsOf(parts), parts.resources),
  ];
}

/** What works, but hardly as it was meant. */
export const togetherWarnings = (text: ConfigText, config: Config, parts: Parts): Problem[] => [
  ...windowWarning(text, config),
  ...timeoutWarnings(text, config, parts),
  ...factWarnings(text, parts),
  ...unusedWarnings(text, config, parts),
];

const declared = (text: ConfigText, { named }: Parts) =>
  named.stages.map(({ name, plugin = unloaded, path }) => ({ ...plugin, name, onFail: onFailAt(text, path) }));

async function stageProblems(text: ConfigText, parts: Parts, builtins?: Builtins): Promise<Problem[]> {
  const stages = declared(text, parts);
  const order = checkOrder(stages, new Map());
  const missing = order.some(({ code }) => code === "FACT_MISSING");
  // Only now: naming the givers means to import every built-in.
  const explained = missing ? checkOrder(stages, await giversOf(builtins)) : order;
  return [...explained, ...checkNames(stages)].map(({ at, code, details }) =>
    problemAt(text, ["stages", at], code, details as never),
  );
}

const unloaded = { unknown: true, needs: [], uses: [], gives: [] };

const onFailAt = (text: ConfigText, path: Path): OnFail =>
  at(text.value, [...path, "onFail"]) === "skip" ? "skip" : "divert";

function circleProblems(text: ConfigText, { resources }: Parts): Problem[] {
  const { cycle } = openingOrder(borrowedNames(resources));
  return cycle ? [problemAt(text, ["resources", cycle[0]!], "RESOURCE_CYCLE", { names: cycle.join(", ") }, "key")] : [];
}

/** For each fact, the built-in stages that give it. */
async function giversOf(builtins: Builtins | undefined): Promise<ReadonlyMap<Fact, readonly string[]>> {
  const givers = new Map<Fact, string[]>();
  for (const plugin of await loadBuiltins(builtins))
    for (const fact of plugin.kind === "stage" ? plugin.gives : [])
      givers.set(fact, [...(givers.get(fact) ?? []), plugin.name]);
  return givers;
}

const borrowsOf = ({ plugin, options }: AnyPlanned): readonly Borrow[] => plugin.borrows?.(options) ?? [];

const endsOf = ({ source, sink, deadLetters }: Parts): readonly (Planned<"source"> | Planned<"sink">)[] =>
  [source, sink, deadLetters].filter((part) => part !== undefined);

/** What each resource borrows. */
export const borrowedNames = (resources: readonly Planned<"resource">[]) =>
  new Map(resources.map((resource) => [resource.name, borrowsOf(resource).map(({ name }) => name)]));

function borrowProblems(text: ConfigText, parts: Parts): Problem[] {
  const { named, resources, stages } = parts;
  const ports = new Map(named.resources.map(({ name, plugin }) => [name, plugin?.fills.name]));
  return [...resources, ...stages, ...endsOf(parts)].flatMap((part) =>
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

/** What `delivery` and `order` ask of the parts. */
function deliveryProblems(text: ConfigText, parts: Parts): Problem[] {
  const { delivery, order } = mapping(text.value);
  const exact = delivery === "exactly-once";
  const problems: Problem[] = [];
  const { source, stages } = parts;
  if ((exact || order === "key" || order === "partition") && source?.plugin.reorders?.(source.options))
    problems.push(
      problemAt(text, [...source.path, "options"], "ORDER_BROKEN", {
        source: source.plugin.name,
        wanted: exact ? "delivery: exactly-once" : `order: ${String(order)}`,
      }),
    );
  if (!exact) return problems;
  const ends = endsOf(parts);
  if (ends.length === 3 && !shareLog(ends)) problems.push(problemAt(text, ["delivery"], "DELIVERY_UNSUPPORTED", {}));
  const drafting = stages.find(({ plugin }) => plugin.gives.includes("ask"));
  if (drafting) problems.push(problemAt(text, drafting.path, "DELIVERY_DRAFTS", { stage: drafting.name }));
  return problems;
}

/** Whether all of them write to, and read from, one log: only then can one transaction hold them. */
function shareLog(ends: readonly AnyPlanned[]): boolean {
  const logs = ends.map((end) => borrowsOf(end).filter(({ port }) => port.name === logPort.name));
  return logs[0]!.some(({ name }) => logs.every((borrows) => borrows.some((borrow) => borrow.name === name)));
}

/** The stages work, but not as whoever wrote them down meant. */
function factWarnings(text: ConfigText, parts: Parts): Problem[] {
  const stages = declared(text, parts);
  return [...checkUses(stages), ...checkUnused(stages)].map(({ at, code, details }) =>
    problemAt(text, ["stages", at], code, details as never),
  );
}

/** A warning, not a problem: events are the same, they only come slower. */
function windowWarning(text: ConfigText, { window, stages }: Config): Problem[] {
  const sum = stages.reduce((total, { batch, concurrency }) => total + batch * concurrency, 0);
  return window < sum ? [problemAt(text, ["window"], "WINDOW_SMALL", { window, sum })] : [];
}

/** What a stage waits for itself has to end before the pipeline ends the stage's batch. */
function timeoutWarnings(text: ConfigText, { stages }: Config, parts: Parts): Problem[] {
  return parts.stages.flatMap(({ name, plugin, options, path }) => {
    const { timeoutMs } = stages[Number(path[1])]!;
    return Object.entries(plugin.limits?.(options) ?? {})
      .filter(([, ms]) => ms > timeoutMs)
      .map(([option, ms]) =>
        problemAt(text, [...path, "timeoutMs"], "TIMEOUT_SHORT", { stage: name, timeoutMs, option, ms }),
      );
  });
}

/** Not for configs that train or score: those sections name resources too. Nor where it is not known who borrows what. */
function unusedWarnings(text: ConfigText, config: Config, parts: Parts): Problem[] {
  const { named, resources, stages } = parts;
  const unsure = [...named.resources, ...named.stages].some(({ planned }) => planned === undefined);
  if (unsure || config.train || config.evaluate || config.drift) return [];
  const used = new Set([...resources, ...stages, ...endsOf(parts)].flatMap(borrowsOf).map(({ name }) => name));
  return resources
    .filter(({ name }) => !used.has(name))
    .map(({ name, path }) => problemAt(text, path, "RESOURCE_UNUSED", { name }, "key"));
}
