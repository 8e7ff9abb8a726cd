import { definePort } from "./plugin.ts";

/** A post that a person answered, shown to a model as an example. A line of a bank's NDJSON file. */
export interface Demonstration {
  readonly id: string;
  readonly text: string;
  /** What is seen on its picture; absent where it has none. */
  readonly caption?: string;
  /** What a good answer says: the entities, the reasoning, and whether the picture matters. */
  readonly answer: string;
  readonly entities: readonly { readonly text: string; readonly type: string }[];
}

/** Fills the port `bank@1`: the paper's G, a small set of demonstrations that the retriever picks from. */
export interface Bank {
  readonly demonstrations: readonly Demonstration[];
  get(id: string): Demonstration | undefined;
  /** SHA-256 of its content, hexadecimal; features made of another content do not fit. */
  readonly fingerprint: string;
  /** The file it was read from; features are kept beside it. */
  readonly file: string;
}

export const bank = definePort<Bank>("bank@1");
