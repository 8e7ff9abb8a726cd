import type { Store } from "./store.ts";

/** Points that are kept, at most. */
const MOST = 2000;

/** How the stream stood after some posts; the report's plots are made of these. */
export interface Point {
  /** Posts that were ever kept. */
  readonly posts: number;
  /** When the newest of them was emitted, in milliseconds since 1970. */
  readonly at: number;
  readonly model: string;
  /** F1, 0 to 1, over the newest posts and the newest labels; absent where there are too few. */
  readonly estimated?: number;
  readonly labelled?: { readonly f1: number; readonly low: number; readonly high: number; readonly support: number };
  /** Divergence and threshold by feature. */
  readonly drift: Readonly<Record<string, readonly [score: number, threshold: number]>>;
  /** Shares of entity types among the newest posts. */
  readonly types: Readonly<Record<string, number>>;
  /** Shares of two lists that differ: the draft from the final answer, the LLM's list from it. */
  readonly disagreement: Readonly<Record<string, number>>;
}

export function keepPoint({ run }: Store, point: Point): void {
  run("INSERT INTO history(told) VALUES (?)", JSON.stringify(point));
  run("DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?", MOST);
}

export const history = ({ all }: Store): Point[] =>
  all<{ told: string }>("SELECT told FROM history ORDER BY id").map(({ told }) => JSON.parse(told) as Point);
