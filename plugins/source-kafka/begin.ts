import { Fault, type LogClient, type Moment, type Partition, type Position } from "starling-ner";
import { laneOf } from "./held.ts";
import type { Options } from "./options.ts";

/** Where a partition begins: what the group has committed, else what the config says. */
export interface Beginning {
  readonly offset: number;
  readonly committed: boolean;
}

/** Asks once for each topic, however many of its partitions begin. Throws START_BEHIND_END. */
export async function beginnings(
  client: LogClient,
  { group, from }: Pick<Options, "group" | "from">,
  partitions: readonly Partition[],
): Promise<ReadonlyMap<string, Beginning>> {
  const found = new Map<string, Beginning>();
  for (const topic of new Set(partitions.map((partition) => partition.topic))) {
    const ours = partitions.filter((partition) => partition.topic === topic);
    for (const at of await client.committed(group, topic))
      found.set(laneOf(at), { offset: at.offset, committed: true });
    const anew = ours.filter((partition) => !found.has(laneOf(partition)));
    if (anew.length === 0) continue;
    const wanted = anew.map((one) => ({ ...one, offset: chosen(from, one) ?? 0 })).filter(({ offset }) => offset > 0);
    if (wanted.length > 0) refuseBehindEnd(wanted, await client.offsets(topic, "latest"));
    for (const at of await client.offsets(topic, momentOf(from)))
      if (!found.has(laneOf(at))) found.set(laneOf(at), { offset: chosen(from, at) ?? at.offset, committed: false });
  }
  return found;
}

/** Nothing would be read until so many records have come, and none of those. */
function refuseBehindEnd(wanted: readonly Position[], ends: readonly Position[]): void {
  for (const { offset, ...at } of wanted) {
    const end = ends.find(({ partition }) => partition === at.partition)?.offset ?? 0;
    if (offset > end) throw new Fault("START_BEHIND_END", { lane: laneOf(at), offset, end });
  }
}

function momentOf(from: Options["from"]): Moment {
  if (typeof from === "string") return from;
  return "timestamp" in from ? new Date(from.timestamp) : "earliest";
}

/** Partitions that the config does not name begin with their first record. */
function chosen(from: Options["from"], { topic, partition }: Partition): number | undefined {
  return typeof from === "object" && "offsets" in from ? from.offsets[topic]?.[String(partition)] : undefined;
}
