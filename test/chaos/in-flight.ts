import type { GroupRecord } from "./commits.ts";
import type { Seen } from "./verdict.ts";

export interface InFlight {
  readonly records: readonly GroupRecord[];
  readonly group: string;
  /** All that was written, of every copy. */
  readonly written: readonly Seen[];
  /** When something was killed, rising. */
  readonly crashes: readonly number[];
  /** Posts that workers may hold and have not written, all together. */
  readonly held: number;
}

/**
 * How many posts were in flight for each crash: held by workers, or written and not committed. A rebalance that follows
 * takes partitions away too, so what was in flight then counts to the crash before it.
 */
export function inFlightPerCrash({ records, group, written, crashes, held }: InFlight): number[] {
  const ours = records.filter((record) => record.group === group);
  const rebalances = ours.filter(({ kind }) => kind === "members").map(({ atMs }) => atMs);
  const first = firstCopies(written);
  const allowed = crashes.map(() => 0);
  for (const moment of [...crashes, ...rebalances]) {
    const crash = crashes.findLastIndex((at) => at <= moment);
    if (crash < 0) continue;
    const committed = committedBy(moment, ours);
    const uncommitted = first.filter(
      ({ partition, offset, atMs }) => atMs <= moment && offset >= (committed.get(partition) ?? 0n),
    );
    allowed[crash]! += uncommitted.length + held;
  }
  return allowed;
}

function firstCopies(written: readonly Seen[]) {
  const first = new Map<string, number>();
  for (const { place, final, atMs } of written)
    if (final) first.set(place, Math.min(atMs, first.get(place) ?? Number.POSITIVE_INFINITY));
  return [...first].map(([place, atMs]) => {
    const at = place.lastIndexOf(":");
    return { partition: place.slice(0, at), offset: BigInt(place.slice(at + 1)), atMs };
  });
}

function committedBy(moment: number, records: readonly GroupRecord[]): Map<string, bigint> {
  const committed = new Map<string, bigint>();
  for (const record of records)
    if (record.kind === "commit" && record.atMs <= moment) committed.set(record.partition, record.offset);
  return committed;
}
