import { Graph, type Shape } from "./graph.ts";

/** A value that the second part of a split graph takes from the first. */
export interface Saved {
  readonly name: string;
  readonly shape: Shape;
}

/**
 * The nodes from `at` on as a graph of their own. What they read of earlier nodes becomes inputs of it: `saved`, which
 * the earlier part must give as outputs. Nodes before `at` stay in `graph`.
 */
export function splitGraph(graph: Graph, at: number): { readonly second: Graph; readonly saved: readonly Saved[] } {
  const nodes = graph.nodes.slice(at);
  const first = new Set(graph.nodes.slice(0, at).flatMap((node) => node.outputs));
  const names = new Set(nodes.flatMap((node) => node.inputs).filter((name) => first.has(name)));
  const saved = [...names].map((name) => ({ name, shape: graph.shape(name) }));
  const second = new Graph();
  for (const [name, { type, shape }] of graph.inputs) second.input(name, type, shape);
  for (const { name, shape } of saved) second.input(name, "float32", shape);
  for (const [name, value] of graph.initializers) second.initializer(name, value);
  for (const node of nodes)
    second.append(
      node,
      node.outputs.map((name) => graph.shape(name)),
    );
  graph.nodes.length = at;
  return { second, saved };
}

/** Numbers for the named dimensions of a shape, such as "B" or the product "B*T". */
export const sizesOf = (shape: Shape, sizes: Readonly<Record<string, number>>): number[] =>
  shape.map((d) =>
    typeof d === "number" ? d : d.split("*").reduce((product, part) => product * (sizes[part] ?? Number(part)), 1),
  );
