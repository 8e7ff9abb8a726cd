import { rules } from "./gradient-rules.ts";
import type { Graph, Node } from "./graph.ts";

/**
 * Reverse-mode differentiation: records after the nodes of `graph` those that compute the gradient of a scalar L.
 * `seeds` maps values to the names of their gradients dL/dvalue, of the same shape; `wanted` are the values whose
 * gradients are asked for. Answers the name of the gradient of each, undefined where L does not depend on it.
 * Nodes that only the gradient needs are recorded behind the others; recorded nodes keep their outputs.
 */
export function differentiate(
  graph: Graph,
  seeds: ReadonlyMap<string, string>,
  wanted: Iterable<string>,
): Map<string, string | undefined> {
  const targets = [...wanted];
  const active = reachableFrom(graph, targets);
  const gradients = new Map<string, string>();
  const add = (value: string, gradient: string) => {
    const sum = gradients.get(value);
    gradients.set(value, sum === undefined ? gradient : graph.op("Add", [sum, gradient]));
  };
  for (const [value, gradient] of seeds) add(value, gradient);
  for (const node of graph.nodes.toReversed()) {
    const dy = gradients.get(node.outputs[0]!);
    if (dy === undefined || !node.inputs.some((name) => active.has(name))) continue;
    const rule = rules[node.opType];
    if (rule === undefined) throw new Error(`no gradient rule for the operator ${node.opType}`);
    rule({ graph, node, dy, add, needs: (name) => active.has(name) });
  }
  return new Map(targets.map((name) => [name, gradients.get(name)]));
}

/** Values that depend on one of `sources`. */
function reachableFrom(graph: Graph, sources: readonly string[]): Set<string> {
  const active = new Set(sources);
  for (const { inputs, outputs } of graph.nodes as readonly Node[])
    if (inputs.some((name) => active.has(name))) for (const name of outputs) active.add(name);
  return active;
}
