import { Fault } from "../errors.ts";
import type { Plan } from "../plan.ts";

/**
 * The part of a pipeline that makes knowledge: its stages up to the last one that gives it, without those that decide whom to ask,
 * unless `gate` keeps them. Throws USAGE where no stage gives knowledge.
 */
export function recordingPlan(plan: Plan, { gate = false }: { readonly gate?: boolean } = {}): Plan {
  const last = plan.stages.findLastIndex(({ plugin }) => plugin.gives.includes("knowledge"));
  if (last < 0)
    throw new Fault("USAGE", {
      what: `no stage of ${plan.text.file} gives knowledge`,
      help: "add one that asks, such as knowledge-chat",
    });
  const stages = plan.stages.slice(0, last + 1).filter(({ plugin }) => gate || !plugin.gives.includes("ask"));
  return { ...plan, stages, resources: borrowedBy(stages, plan.resources) };
}

/** Resources that stages borrow, or that those borrow; the others need not open. */
function borrowedBy(stages: Plan["stages"], resources: Plan["resources"]): Plan["resources"] {
  const wanted = new Set<string>();
  const want = (parts: readonly (Plan["stages"][number] | Plan["resources"][number])[]): void => {
    for (const { plugin, options } of parts)
      for (const { name } of plugin.borrows?.(options) ?? []) {
        if (wanted.has(name)) continue;
        wanted.add(name);
        want(resources.filter((resource) => resource.name === name));
      }
  };
  want(stages);
  return resources.filter(({ name }) => wanted.has(name));
}
