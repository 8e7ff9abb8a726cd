import { type Config, type ConfigText, type Path, type Problem, problemAt } from "../config/index.ts";
import type { Fact } from "../facts.ts";
import type { OnFail } from "../flow/types.ts";
import { type Builtins, loadBuiltins } from "../load.ts";
import { checkBorrows, checkNames, checkOrder, openingOrder } from "../pipeline.ts";
import type { Borrow } from "../plugin.ts";
import { at, mapping } from "./at.ts";
import type { Parts } from "./parts.ts";
import type { Planned } from "./types.ts";

/**
 * What can only be told of the parts together: order of facts, names, and who borrows what. Where a part has something
 * wrong, as much of it as is known counts.
 */
export async function togetherProblems(text: ConfigText, parts: Parts, builtins?: Builtins): Promise<Problem[]> {
  return [
    ...(await stageProblems(text, parts, builtins)),
    ...borrowProblems(text, parts),
    ...circleProblems(text, parts),
  ];
}

/** What works, but hardly as it was meant. */
export const togetherWarnings = (text: ConfigText, config: Config, parts: Parts): Problem[] => [
  ...windowWarning(text, config),
  ...unusedWarnings(text, config, parts),
];

async function stageProblems(text: ConfigText, parts: Parts, builtins?: Builtins): Promise<Problem[]> {
  const stages = parts.named.stages.map(({ name, plugin = unloaded, path }) => ({
    ...plugin,
    name,
    onFail: onFailAt(text, path),
  }));
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

const borrowsOf = ({ plugin, options }: Planned<"stage"> | Planned<"resource">): readonly Borrow[] =>
  plugin.borrows?.(options) ?? [];

/** What each resource borrows. */
export const borrowedNames = (resources: readonly Planned<"resource">[]) =>
  new Map(resources.map((resource) => [resource.name, borrowsOf(resource).map(({ name }) => name)]));

function borrowProblems(text: ConfigText, { named, resources, stages }: Parts): Problem[] {
  const ports = new Map(named.resources.map(({ name, plugin }) => [name, plugin?.fills.name]));
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

/** Not for configs that train or score: those sections name resources too. Nor where it is not known who borrows what. */
function unusedWarnings(text: ConfigText, config: Config, { named, resources, stages }: Parts): Problem[] {
  const unsure = [...named.resources, ...named.stages].some(({ planned }) => planned === undefined);
  if (unsure || config.train || config.evaluate) return [];
  const used = new Set([...resources, ...stages].flatMap(borrowsOf).map(({ name }) => name));
  return resources
    .filter(({ name }) => !used.has(name))
    .map(({ name, path }) => problemAt(text, path, "RESOURCE_UNUSED", { name }, "key"));
}
