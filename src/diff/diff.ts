import { compare, type Difference, type Named } from "./compare.ts";
import type { Results } from "./results.ts";

export interface TypeCount {
  before: number;
  after: number;
  kept: number;
  gained: number;
  lost: number;
  /** Entities that had this type and now have another, and the other way round. */
  changedFrom: number;
  changedTo: number;
}

export interface Summary {
  readonly posts: { both: number; same: number; different: number; onlyBefore: number; onlyAfter: number };
  /** Of the posts that are on both sides. */
  readonly types: Record<string, TypeCount>;
}

/** A post whose entities differ. */
export interface PostDifference extends Omit<Difference, "kept"> {
  readonly post: string;
  readonly origin: string;
}

/** Compares two results post by post; posts that are on one side only are counted, and not compared. */
export function diffResults(before: Results, after: Results, told: (difference: PostDifference) => void): Summary {
  const posts = { both: 0, same: 0, different: 0, onlyBefore: 0, onlyAfter: 0 };
  const types: Record<string, TypeCount> = {};
  const of = (type: string): TypeCount => {
    types[type] ??= { before: 0, after: 0, kept: 0, gained: 0, lost: 0, changedFrom: 0, changedTo: 0 };
    return types[type];
  };
  const count = (entities: readonly Named[], what: "before" | "after" | "kept" | "gained" | "lost") => {
    for (const { type } of entities) of(type)[what]++;
  };
  for (const [pair, had] of before) {
    const has = after.get(pair);
    if (has === undefined) {
      posts.onlyBefore++;
      continue;
    }
    posts.both++;
    const { kept, gained, lost, changed } = compare(had.entities, has.entities);
    count(had.entities, "before");
    count(has.entities, "after");
    count(kept, "kept");
    count(gained, "gained");
    count(lost, "lost");
    for (const { before, after } of changed) {
      of(before).changedFrom++;
      of(after).changedTo++;
    }
    if (gained.length + lost.length + changed.length === 0) posts.same++;
    else {
      posts.different++;
      told({ post: has.post, origin: has.origin, gained, lost, changed });
    }
  }
  for (const pair of after.keys()) if (!before.has(pair)) posts.onlyAfter++;
  return { posts, types };
}

/** For people: posts, then a row for each type. */
export function tellSummary({ posts, types }: Summary): string {
  const { both, same, different, onlyBefore, onlyAfter } = posts;
  const head = `${both} posts on both sides: ${same} the same, ${different} different; ${onlyBefore} only before, ${onlyAfter} only after`;
  const columns = ["before", "after", "kept", "gained", "lost", "changedFrom", "changedTo"] as const;
  const rows = Object.entries(types)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, count]) => [type, ...columns.map((column) => String(count[column]))]);
  if (rows.length === 0) return head;
  const names = ["type", "before", "after", "kept", "gained", "lost", "from", "to"];
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join("  ");
  return [head, line(names), ...rows.map(line)].join("\n");
}
