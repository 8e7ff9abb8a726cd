import { setTimeout as sleep } from "node:timers/promises";
import {
  Fault,
  type Host,
  isFault,
  type LogClient,
  type NewRecord,
  type Tracker,
  type Transact,
  type Transacted,
  type TransactionalProducer,
} from "starling-ner";
import { type Held, partitionOf } from "./held.ts";

/** How long one transaction is tried before the run gives up, in milliseconds. */
const PATIENCE_MS = 300_000;
const MAX_PAUSE_MS = 5000;

/** Faults that another try does not mend. */
const final = new Set(["LOG_FORBIDDEN", "LOG_AUTHENTICATION", "LOG_TOPIC_MISSING"]);

export interface Transactions {
  /** Ends what a former owner of the partition left, before its offset is asked for. */
  open(tracker: Tracker): Promise<void>;
  readonly transact: Transact;
  close(): Promise<void>;
}

interface TransactionsContext {
  readonly client: LogClient;
  readonly group: string;
  /** Stands beside each offset: who committed it. */
  note(): string;
  readonly log: Host["log"];
}

/**
 * One transactional id for each partition of the input: whoever opens it anew shuts out its owner before. After an error
 * it is not known whether a transaction was committed; the group's offset, asked for once a new producer is open, tells.
 * So even two owners at once would write nothing twice.
 */
export function createTransactions({ client, group, note, log }: TransactionsContext): Transactions {
  const producers = new Map<Tracker, TransactionalProducer>();
  /** The group's offset as it was last known. */
  const offsets = new Map<Tracker, number>();
  const idOf = ({ lane }: Tracker) => `${group}-${lane}`;

  const open = async (tracker: Tracker) => {
    await drop(tracker);
    const producer = await client.transactional(idOf(tracker));
    producers.set(tracker, producer);
    tracker.fence.signal.addEventListener("abort", () => void drop(tracker), { once: true });
    if (!tracker.live) await drop(tracker);
  };
  const drop = async (tracker: Tracker) => {
    const producer = producers.get(tracker);
    producers.delete(tracker);
    if (!tracker.live) offsets.delete(tracker);
    await producer?.close();
  };
  const committedOf = async ({ lane }: Tracker) => {
    const { topic, partition } = partitionOf(lane);
    return (await client.committed(group, topic)).find((one) => one.partition === partition)?.offset ?? 0;
  };
  const attempt = async (tracker: Tracker, posts: readonly Transacted[]) => {
    const records = posts.flatMap((post) => post.records as readonly NewRecord[]);
    const offset = heldBy(posts.at(-1)!).entry.offset + 1;
    const producer = producers.get(tracker);
    if (producer === undefined) throw new Fault("LOG_UNREACHABLE", { brokers: client.address, reason: "no producer" });
    await producer.commit(records, group, [{ ...partitionOf(tracker.lane), offset }], note());
    offsets.set(tracker, offset);
  };
  /** How many of the posts the log has committed, as far as it can be told after an error. */
  const settledBy = async (tracker: Tracker, posts: readonly Transacted[]) => {
    await open(tracker);
    const offset = await committedOf(tracker);
    const before = offsets.get(tracker) ?? tracker.committed ?? 0;
    if (offset < before)
      throw new Fault("LOG_FAILED", {
        what: `a transaction of ${tracker.lane}`,
        reason: `the group's offset went back from ${before} to ${offset}; let nobody set it while workers run`,
      });
    offsets.set(tracker, offset);
    return posts.filter((post) => heldBy(post).entry.offset < offset).length;
  };

  const transact: Transact = async (lane, all, signal) => {
    const { tracker } = heldBy(all[0]!);
    const until = performance.now() + PATIENCE_MS;
    let posts = all;
    for (let pauseMs = 20; tracker.live && !signal.aborted; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      let why: unknown;
      try {
        await attempt(tracker, posts);
        return { done: posts.length };
      } catch (error) {
        why = error;
      }
      log("a transaction failed; its producer is replaced", { lane, reason: (why as Error).message });
      if (isFault(why) && final.has(why.code)) throw why;
      try {
        const done = await settledBy(tracker, posts);
        if (done > 0) return { done };
        if (isFault(why) && why.code === "LOG_RECORD_REFUSED") {
          if (posts.length === 1) return { done: 0, refused: why };
          posts = posts.slice(0, Math.ceil(posts.length / 2));
          continue;
        }
      } catch (error) {
        why = error;
        if (isFault(why) && !why.retry && (final.has(why.code) || why.message.includes("went back"))) throw why;
      }
      if (performance.now() > until) throw why;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
    return { done: 0 };
  };

  return {
    open,
    transact,
    close: async () => void (await Promise.all([...producers.keys()].map(drop))),
  };
}

/** The source made the origins of its deliveries itself. */
const heldBy = ({ delivery }: Transacted): Held => delivery.origin as Held;
