import { type Rule, rules } from "./gradient-rules.ts";
import type { Graph, Node } from "./graph.ts";

/**
 * Gradients of several nodes at once, by the block's output: where a formula for the whole is shorter than the chain of
 * its parts. The rule adds to the block's inputs; nodes between get no gradient of their own.
 */
export type Blocks = ReadonlyMap<string, Rule>;

/**
 * Reverse-mode differentiation: records after the nodes of `graph` those that compute the gradient of a scalar L.
 * `seeds` maps values to the names of their gradients dL/dvalue, of the same shape; `wanted` are the values whose
 * gradients are asked for. Answers the name of the gradient of each, undefined where L does not depend on it.
 * Nodes that only the gradient needs are recorded behind the others; recorded nodes keep their outputs.
 * The gradient of a value that `blocks` knows is handed to its rule instead of to the rule of its operator.
 */
export function differentiate(
  graph: Graph,
  seeds: ReadonlyMap<string, string>,
  wanted: Iterable<string>,
  blocks: Blocks = new Map(),
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
    const rule = blocks.get(node.outputs[0]!) ?? rules[node.opType];
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
