import { setImmediate as turn } from "node:timers/promises";
import type { Assignment, GroupConsumer, LogClient, Partition, RecordBatch } from "../log/index.ts";
import type { Health } from "../plugin.ts";

/** Records that wait to be kept, at most, before partitions are paused; half of them, and they go on. */
const WAITING = 5000;
const COMMIT_MS = 1000;
/** So long a restart after a crash waits for what was killed to be put out of the group. Batches are kept in far less. */
const SESSION_MS = 10_000;

export interface Following {
  readonly client: LogClient;
  readonly group: string;
  readonly topics: readonly string[];
  /** Where a partition goes on; undefined where nothing of it was kept: then it begins at its first record. */
  readonly placeOf: (partition: Partition) => number | undefined;
  /** Keeps a batch before it returns; what it throws ends the following, with nothing of the batch committed. */
  readonly take: (batch: RecordBatch) => void;
  readonly warn: (message: string, fields: Readonly<Record<string, string>>) => void;
  readonly signal: AbortSignal;
}

export interface Follower {
  /** Resolves once `signal` aborts and all that was kept is committed; rejects with what `take` or the log throws. */
  readonly done: Promise<void>;
  health(): Health;
}

/**
 * Reads topics as the one member of a group. What was kept decides where it goes on, and is committed only for those who
 * watch the group's lag: the two move together even through a crash.
 */
export function follow({ client, group, topics, placeOf, take, warn, signal }: Following): Follower {
  const waiting: RecordBatch[] = [];
  const kept = new Map<string, RecordBatch>();
  let [held, paused, assigned] = [0, false, [] as readonly Partition[]];
  let consumer: GroupConsumer | undefined;
  let fault: Error | undefined;
  let wake = () => {};

  const fail = (error: unknown) => {
    fault ??= error as Error;
    wake();
  };
  const pace = () => {
    const pause = paused ? held > WAITING / 2 : held > WAITING;
    if (pause === paused || consumer === undefined || assigned.length === 0) return;
    paused = pause;
    if (pause) consumer.pause(assigned);
    else consumer.resume(assigned);
  };
  /** What is not kept yet comes again: batches of before are dropped. */
  const begin = async ({ partitions }: Assignment) => {
    assigned = partitions;
    waiting.length = 0;
    [held, paused] = [0, false];
    for (const partition of partitions) {
      const offset = await beginning(client, partition, placeOf(partition), warn);
      if (assigned === partitions) consumer!.start({ ...partition, offset });
    }
  };
  let committing = Promise.resolve();
  const commit = () => {
    const due = [...kept.values()].filter((batch) => assigned.some((one) => same(one, batch)));
    kept.clear();
    if (due.length === 0 || consumer === undefined) return committing;
    const positions = due.map(({ topic, partition, next }) => ({ topic, partition, offset: next }));
    committing = committing
      .then(() => consumer!.commit(positions))
      .catch((error: Error) => warn("offsets were not committed", { reason: error.message }));
    return committing;
  };
  const something = () =>
    new Promise<void>((done) => {
      wake = done;
    });

  const run = async () => {
    const timer = setInterval(commit, COMMIT_MS).unref();
    const stop = () => wake();
    signal.addEventListener("abort", stop, { once: true });
    const first: Assignment[] = [];
    const join = client.consumer(
      { group, topics: [...topics], sessionMs: SESSION_MS, maxWaitMs: 500, maxBytesPerPartition: 1024 * 1024 },
      {
        // The first assignment may come before the consumer is known.
        assigned: (assignment) => (consumer === undefined ? first.push(assignment) : begin(assignment).catch(fail)),
        lost: (reason) => warn("out of the group, joining again", { reason: reason.message }),
        records(batch) {
          waiting.push(batch);
          held += batch.records.length;
          pace();
          wake();
        },
        failed: fail,
      },
    );
    try {
      consumer = await join;
      if (first.length > 0) await begin(first.at(-1)!);
      while (!signal.aborted) {
        if (fault !== undefined) throw fault;
        const batch = waiting.shift();
        if (batch === undefined) await something();
        else {
          held -= batch.records.length;
          take(batch);
          kept.set(`${batch.topic}/${batch.partition}`, batch);
          pace();
          await turn();
        }
      }
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", stop);
      await commit();
      await consumer?.close();
    }
  };
  return {
    done: run(),
    health: () =>
      assigned.length > 0
        ? { ready: true, figures: { assigned: assigned.length, waiting: held } }
        : { ready: false, reason: "no partitions are assigned", figures: { assigned: 0 } },
  };
}

const same = (a: Partition, b: Partition) => a.topic === b.topic && a.partition === b.partition;

/** What was deleted since cannot be read; where a topic was made anew, what was kept of the old one is no place in it. */
async function beginning(
  client: LogClient,
  partition: Partition,
  kept: number | undefined,
  warn: Following["warn"],
): Promise<number> {
  const of = async (at: "earliest" | "latest") =>
    (await client.offsets(partition.topic, at)).find((one) => same(one, partition))?.offset ?? 0;
  const [first, end] = [await of("earliest"), await of("latest")];
  if (kept === undefined) return first;
  const where = `${partition.topic}/${partition.partition}`;
  if (kept > end) warn("this topic was made anew; it is read from its beginning", { where });
  else if (kept < first) warn("records were deleted before they were read", { where, count: String(first - kept) });
  return kept > end ? first : Math.max(kept, first);
}
