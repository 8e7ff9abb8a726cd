import { randomUUID } from "node:crypto";
import type { Assignment, GroupConsumer, LogClient, Partition, RecordBatch } from "./port.ts";
import type { Span } from "./spans.ts";

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** A group that nobody else is in; by default one of its own. Nothing is ever committed. */
  readonly group?: string;
  /**
   * How long nothing must come, twice, from a log that answers, before the rest of a stretch counts as empty: what is
   * there may be markers of transactions, or have been compacted away. In milliseconds.
   */
  readonly quietMs?: number;
}

/** Records that wait to be taken, at most, before partitions are paused. */
const WAITING = 5000;

const keyOf = ({ topic, partition }: Partition) => `${topic}/${partition}`;

/** Reads stretches of partitions to their ends, outside of any group that works on them. */
export async function* readSpans(
  client: LogClient,
  spans: readonly Span[],
  { signal, group = `starling-reader-${randomUUID()}`, quietMs = 3000 }: ReadOptions,
): AsyncGenerator<RecordBatch> {
  if (spans.length === 0 || signal.aborted) return;
  const reading = createReading(spans);
  const stop = () => reading.stop();
  signal.addEventListener("abort", stop, { once: true });
  const consumer = await client.consumer(
    {
      group,
      topics: [...new Set(spans.map(({ topic }) => topic))],
      sessionMs: 30_000,
      maxWaitMs: 500,
      maxBytesPerPartition: 1024 * 1024,
    },
    {
      assigned: (assignment) => reading.assigned(assignment),
      records: (batch) => reading.records(batch),
      failed: (fault) => reading.failed(fault),
    },
  );
  try {
    reading.attach(consumer);
    for (;;) {
      const batch = await reading.next(quietMs);
      if (batch === "quiet") await reading.doubt(() => client.offsets(spans[0]!.topic, "latest"));
      else if (batch === undefined) return;
      else if (batch.records.length > 0) yield batch;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await consumer.close();
  }
}

/** How far each stretch has been read, and what waits to be taken. */
function createReading(spans: readonly Span[]) {
  /** The stretches that have not come to their end, with the next offset of each. */
  const open = new Map(spans.map((span) => [keyOf(span), { span, next: span.from }]));
  const waiting: RecordBatch[] = [];
  let count = 0;
  let paused = false;
  let consumer: GroupConsumer | undefined;
  let assigned: readonly Partition[] = [];
  let doubted = false;
  let stopped = false;
  let fault: Error | undefined;
  let wake = () => {};

  const pace = () => {
    const pause = paused ? count > WAITING / 2 : count > WAITING;
    const mine = assigned.filter((partition) => open.has(keyOf(partition)));
    if (pause === paused || consumer === undefined) return;
    paused = pause;
    if (mine.length === 0) return;
    if (pause) consumer.pause(mine);
    else consumer.resume(mine);
  };
  const start = () => {
    for (const { topic, partition } of assigned) {
      const reading = open.get(keyOf({ topic, partition }));
      if (reading !== undefined) consumer?.start({ topic, partition, offset: reading.next });
    }
    // Pauses are forgotten at an assignment.
    paused = false;
    pace();
  };
  const something = (withinMs: number) =>
    new Promise<void>((done) => {
      const timer = setTimeout(done, withinMs);
      wake = () => {
        clearTimeout(timer);
        done();
      };
    });

  return {
    /** The first assignment may come before the consumer is known. */
    attach(member: GroupConsumer) {
      consumer = member;
      start();
    },
    assigned({ partitions }: Assignment) {
      assigned = partitions;
      start();
    },
    records(batch: RecordBatch) {
      const reading = open.get(keyOf(batch));
      if (reading === undefined) return;
      const { span, next } = reading;
      const records = batch.records.filter(({ offset }) => offset >= next && offset < span.until);
      reading.next = Math.max(next, batch.next);
      if (reading.next >= span.until) {
        open.delete(keyOf(span));
        consumer?.pause([span]);
      }
      waiting.push({ ...batch, records });
      count += records.length;
      doubted = false;
      pace();
      wake();
    },
    failed(error: Error) {
      fault = error;
      wake();
    },
    stop() {
      stopped = true;
      wake();
    },
    /** The next batch; `quiet` where none came for so long; undefined at the end. */
    async next(quietMs: number): Promise<RecordBatch | "quiet" | undefined> {
      if (waiting.length === 0 && open.size > 0 && !stopped && fault === undefined) await something(quietMs);
      if (stopped) return undefined;
      const batch = waiting.shift();
      if (batch !== undefined) {
        count -= batch.records.length;
        pace();
        return batch;
      }
      if (fault !== undefined) throw fault;
      return open.size === 0 ? undefined : "quiet";
    },
    /** Asks again from where we are; what nobody sends the second time is not there. Rejects where the log gives no answer. */
    async doubt(alive: () => Promise<unknown>) {
      await alive();
      if (assigned.length === 0 || waiting.length > 0) return;
      if (doubted) open.clear();
      else start();
      doubted = true;
    },
  };
}
