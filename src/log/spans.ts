import { Fault } from "../errors.ts";
import type { LogClient, Moment, Partition, Position } from "./port.ts";

/** A stretch of a partition: offsets from `from` on, before `until`. */
export interface Span extends Partition {
  readonly from: number;
  readonly until: number;
}

/** A moment of all partitions, or an offset for each that is named; those that are not begin at the first and end at the last record. */
export type Bound = Moment | readonly Position[];

export interface Range {
  readonly from: Bound;
  /** What comes later is left out; `latest` is what is there now. */
  readonly until: Bound;
}

/** The stretches of a range in the partitions of some topics; empty ones are left out. Throws LOG_TOPIC_MISSING, LOG_RANGE_ELSEWHERE. */
export async function spansOf(client: LogClient, topics: readonly string[], { from, until }: Range): Promise<Span[]> {
  const counts = await client.topics(topics);
  for (const bound of [from, until]) if (!isMoment(bound)) refuseElsewhere(bound, topics, counts);
  const spans: Span[] = [];
  for (const topic of topics) {
    const [first, last] = [await client.offsets(topic, "earliest"), await client.offsets(topic, "latest")];
    const [starts, ends] = [await boundsOf(client, topic, from), await boundsOf(client, topic, until)];
    for (const { partition, offset: end } of last) {
      const start = first.find((position) => position.partition === partition)?.offset ?? 0;
      const span = {
        topic,
        partition,
        // What was deleted since cannot be read, and what is not there yet is not waited for.
        from: Math.max(start, starts.get(partition) ?? start),
        until: Math.min(end, ends.get(partition) ?? end),
      };
      if (span.from < span.until) spans.push(span);
    }
  }
  return spans;
}

/** An offset of what is not read would bound nothing: everything would be read. */
function refuseElsewhere(
  positions: readonly Position[],
  topics: readonly string[],
  counts: ReadonlyMap<string, number>,
): void {
  const strange = positions.find(
    ({ topic, partition }) => !topics.includes(topic) || partition >= (counts.get(topic) ?? 0),
  );
  if (strange === undefined) return;
  const read = topics.map((topic) => `${topic} (partitions 0 to ${(counts.get(topic) ?? 1) - 1})`).join(", ");
  throw new Fault("LOG_RANGE_ELSEWHERE", { place: `${strange.topic}/${strange.partition}`, read });
}

async function boundsOf(client: LogClient, topic: string, bound: Bound): Promise<ReadonlyMap<number, number>> {
  const positions = isMoment(bound) ? await client.offsets(topic, bound) : bound;
  return new Map(
    positions.filter((position) => position.topic === topic).map(({ partition, offset }) => [partition, offset]),
  );
}

const isMoment = (bound: Bound): bound is Moment => typeof bound === "string" || bound instanceof Date;

/**
 * `earliest`, `latest`, a time (RFC 3339, or a date), or offsets: `posts/0:17,posts/1:4`. Undefined where it is none of them.
 */
export function parseBound(written: string): Bound | undefined {
  if (written === "earliest" || written === "latest") return written;
  if (/^\d{4}-\d\d-\d\d(T.*)?$/.test(written)) {
    const time = new Date(written);
    return Number.isNaN(time.getTime()) ? undefined : time;
  }
  const positions = written.split(",").map((part) => {
    const [, topic, partition, offset] = /^\s*([A-Za-z0-9._-]+)\/(\d+):(\d+)\s*$/.exec(part) ?? [];
    return topic === undefined ? undefined : { topic, partition: Number(partition), offset: Number(offset) };
  });
  return positions.every((position) => position !== undefined) ? positions : undefined;
}
