import { inferShape } from "./shapes.ts";

/** A dimension: a number, or the name of one that is known only when the model runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type ElementType = "float32" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** Row-major values. `int64` is held as BigInt64Array, `bool` as Uint8Array. */
export interface Constant {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;
}

export interface FloatTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** An attribute with its ONNX kind: a whole number alone does not say whether it is an `int` or a `float`. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string };

export interface Node {
  readonly opType: string;
  /** Names of values; an absent optional input is the empty string. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** "" for ONNX's own operators, `com.microsoft` for ONNX Runtime's. */
  readonly domain: string;
}

export interface ValueInfo {
  readonly type: ElementType;
  readonly shape: Shape;
}

export interface OpOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
  /** How many outputs to name; 1 by default. */
  readonly outputs?: number;
  /** Name of the first output; a fresh one by default. */
  readonly name?: string;
}

/**
 * Operators in the order they were recorded, which is an order they can run in.
 * Values are known by name; `shape(name)` tells the shape of every recorded value.
 */
export class Graph {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Constant>();
  readonly inputs = new Map<string, ValueInfo>();
  readonly #shapes = new Map<string, Shape>();
  readonly #constants = new Map<string, string>();
  #fresh = 0;

  /** Declares a graph input. */
  input(name: string, type: ElementType, shape: Shape): string {
    this.inputs.set(name, { type, shape });
    this.#shapes.set(name, shape);
    return name;
  }

  /** Adds a constant that is written into the model. The array is kept, not copied. */
  initializer(name: string, value: Constant): string {
    this.initializers.set(name, value);
    this.#shapes.set(name, value.dims);
    return name;
  }

  /** A vector of whole numbers, as shapes and axes are given. The same numbers share one initialiser. */
  ints(values: readonly number[]): string {
    return this.#shared(`i:${values}`, () => ({
      type: "int64",
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  }

  /** A scalar. */
  scalar(value: number): string {
    return this.#shared(`f:${value}`, () => ({ type: "float32", dims: [], data: Float32Array.of(value) }));
  }

  /** Records an operator; answers the name of its first output. */
  op(opType: string, inputs: readonly string[], options: OpOptions = {}): string {
    return this.ops(opType, inputs, options)[0]!;
  }

  /** Records an operator; answers the names of all its outputs. */
  ops(opType: string, inputs: readonly string[], options: OpOptions = {}): readonly string[] {
    const { attributes = {}, domain = "", outputs = 1, name } = options;
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 && name !== undefined ? name : this.#name()));
    const node: Node = { opType, inputs, outputs: names, attributes, domain };
    this.#record(node, this.nodes.length);
    return names;
  }

  /** Takes over a node of another graph, with its names and the shapes of its outputs. */
  append(node: Node, shapes: readonly Shape[]): void {
    this.nodes.push(node);
    for (const [i, shape] of shapes.entries()) this.#shapes.set(node.outputs[i]!, shape);
  }

  /** `x` in the shape that `like` has when the model runs; they must have as many elements. */
  reshapeLike(x: string, like: string): string {
    const shape = this.op("Shape", [like]);
    const name = this.#name();
    this.nodes.push({ opType: "Reshape", inputs: [x, shape], outputs: [name], attributes: {}, domain: "" });
    this.#shapes.set(name, this.shape(like));
    return name;
  }

  /** Names `outputs` outputs of a recorded node, where it had fewer; answers them all. */
  extend(node: Node, outputs: number): readonly string[] {
    const at = this.nodes.findIndex((known) => known.outputs[0] === node.outputs[0]);
    const known = this.nodes[at]!;
    const names = Array.from(
      { length: Math.max(outputs, known.outputs.length) },
      (_, i) => known.outputs[i] ?? this.#name(),
    );
    this.#record({ ...known, outputs: names }, at);
    return names;
  }

  /** Shape of a value that was declared or recorded before. */
  shape(name: string): Shape {
    const shape = this.#shapes.get(name);
    if (shape === undefined) throw new Error(`the graph has no value "${name}"`);
    return shape;
  }

  has(name: string): boolean {
    return this.#shapes.has(name);
  }

  #record(node: Node, at: number): void {
    this.nodes[at] = node;
    inferShape(this, node).forEach((shape, i) => {
      this.#shapes.set(node.outputs[i]!, shape);
    });
  }

  #name(): string {
    return `v${this.#fresh++}`;
  }

  #shared(key: string, make: () => Constant): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(`c${this.#constants.size}`, make());
    this.#constants.set(key, name);
    return name;
  }
}
