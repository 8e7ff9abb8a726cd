import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import {
  type Assignment,
  createLedger,
  type Decode,
  type Delivery,
  Fault,
  fail,
  type GroupConsumer,
  type Host,
  type LogClient,
  type Outcome,
  type Partition,
  type Post,
  type RecordBatch,
  type Source,
  type Tracker,
} from "starling-ner";
import { beginnings } from "./begin.ts";
import { Held, laneOf, partitionOf } from "./held.ts";
import { watchLag } from "./lag.ts";
import { type Options, wantedTopics } from "./options.ts";
import { createRetries } from "./retries.ts";
import { cameBack } from "./retry-topic.ts";
import { createShelf } from "./shelf.ts";
import { createTransactions } from "./transactions.ts";

/** Posts decoded at a time: enough to be quick, few enough to leave the loop free. */
const CHUNK = 256;
/** Bytes of one partition in one fetch. */
const FETCH_BYTES = 1024 * 1024;
/** Between tries to learn where partitions begin, in milliseconds. */
const BEGIN_AGAIN_MS = 500;
/** Between two commits that are not due by the number of posts, in milliseconds: each is a request to the log. */
const COMMIT_REST_MS = 100;
const LAST_COMMITS = 5;
/** How long they may take, together: a broker that is away must not hold up the end. */
const LAST_COMMITS_MS = 5000;

export interface ReaderParts {
  readonly client: LogClient;
  readonly options: Options;
  readonly decode: Decode;
  readonly host: Host;
}

/** Reads as a member of a group; what is settled is committed, and never more. */
export async function openReader({ client, options, decode, host }: ReaderParts): Promise<Source> {
  const { group, retry, maxBytes, commitMs } = options;
  const exact = host.delivery === "exactly-once";
  const { span, inFlight, inFlightBytes, repeats = host.window } = options;
  const ledger = createLedger({ span, posts: inFlight, bytes: inFlightBytes, repeats });
  const shelf = createShelf();
  const transactions = exact ? createTransactions({ client, group, note: () => member, log: host.log }) : undefined;
  const retryProducer = retry.topic === undefined ? undefined : await client.producer();
  const bell = createBell();
  const lag = watchLag(client, ledger.trackers);
  let consumer: GroupConsumer | undefined;
  let broken: Error | undefined;
  let member = "";
  let assigned = false;
  let stopped = false;
  let closed = false;

  const breakOff = (error: unknown) => {
    broken ??= error instanceof Error ? error : new Error(String(error));
    bell.ring();
  };
  const retries = createRetries({
    retry,
    producer: retryProducer,
    again: (post) => {
      shelf.again(post);
      bell.ring();
    },
    moved: (post) => settle(post),
    failed: breakOff,
    log: host.log,
  });

  /** Often enough that reading does not stop for it. */
  const commitPosts = Math.max(1, Math.floor(repeats / 4));
  /** What is settled and not committed takes room from others; a commit is cheap where it comes seldom. */
  const commitFew = Math.max(1, Math.floor(repeats / 16));
  let committedAt = 0;
  /** Posts settled since the last commit began. */
  let settled = 0;
  /** Posts wait that may not be taken on before others are committed. */
  let starved = false;
  let judging = false;
  /** Pauses and resumes, once for all that happened in this turn. */
  const judge = () => {
    if (judging || closed) return;
    judging = true;
    setImmediate(() => {
      judging = false;
      const { pause, resume } = ledger.decide();
      if (pause.length > 0) consumer?.pause(pause.map(partitionOfTracker));
      if (resume.length > 0) consumer?.resume(resume.map(partitionOfTracker));
    });
  };
  const settle = ({ tracker, entry }: Held) => {
    ledger.settle(tracker, entry);
    judge();
    if (exact) clear();
    else if (++settled >= commitPosts || (settled >= commitFew && restMs() <= 0)) commitSoon();
    else if (starved) commitRested();
  };
  const restMs = () => committedAt + COMMIT_REST_MS - performance.now();
  /** In a transaction the offset went with the post. */
  const clear = () => {
    ledger.committed(ledger.due());
    if (starved) bell.ring();
  };

  const onAssigned = ({ member: id, partitions }: Assignment) => {
    member = id;
    const { kept, added, revoked } = ledger.assign(id, partitions.map(laneOf));
    assigned = true;
    for (const { lane } of revoked) shelf.drop(lane);
    host.count("partitions_revoked", revoked.length);
    host.measure("ner_kafka_rebalances_total", 1);
    for (const tracker of kept)
      if (tracker.started) consumer!.start({ ...partitionOfTracker(tracker), offset: tracker.next });
    judge();
    if (added.length > 0) void begin(added).catch(breakOff);
  };
  /** Starts partitions that were not ours before; tries until it is known where they begin. */
  const begin = async (trackers: readonly Tracker[]) => {
    for (;;) {
      const ours = trackers.filter(({ live }) => live);
      if (ours.length === 0 || closed) return;
      try {
        if (transactions !== undefined) await Promise.all(ours.map(transactions.open));
        const found = await beginnings(client, options, ours.map(partitionOfTracker));
        const anew = ours.filter(({ lane, live }) => live && found.get(lane)?.committed === false);
        // Kept from now on: a crash before the first commit must not make `latest` mean another place.
        if (anew.length > 0)
          await consumer!.commit(
            anew.map((one) => ({ ...partitionOfTracker(one), offset: found.get(one.lane)!.offset })),
          );
        for (const tracker of ours) start(tracker, found.get(tracker.lane)?.offset ?? 0);
        return judge();
      } catch (error) {
        if (error instanceof Fault && !error.retry && error.code !== "LOG_FAILED") throw error;
        host.log("cannot begin yet", { partitions: ours.map(({ lane }) => lane), reason: (error as Error).message });
        await sleep(BEGIN_AGAIN_MS, undefined, { ref: false });
      }
    }
  };
  const start = (tracker: Tracker, offset: number) => {
    if (!tracker.live || tracker.started) return;
    ledger.start(tracker, offset);
    consumer!.start({ ...partitionOfTracker(tracker), offset });
  };

  const onRecords = ({ topic, partition, records, next }: RecordBatch) => {
    const lane = laneOf({ topic, partition });
    const tracker = ledger.of(lane);
    if (tracker === undefined) return;
    const now = performance.now();
    const firstAt = Date.now();
    const posts: Held[] = [];
    for (const record of records) {
      const size = (record.value?.length ?? 0) + (record.key?.length ?? 0);
      const entry = ledger.see(lane, record.offset, size, now);
      if (entry === undefined) continue;
      const came = topic === retry.topic ? cameBack(record) : undefined;
      const held = new Held(tracker, entry, record, firstAt, came);
      if (came !== undefined && came.notBefore > firstAt) retries.later(held, came.notBefore);
      else posts.push(held);
    }
    ledger.reach(lane, next);
    shelf.add(lane, posts);
    judge();
    if (posts.length > 0) bell.ring();
  };

  let committing: Promise<void> | undefined;
  const commit = async (): Promise<void> => {
    settled = 0;
    committedAt = performance.now();
    const due = ledger.due();
    if (due.length === 0 || consumer === undefined) return;
    await consumer.commit(due.map(({ tracker, offset }) => ({ ...partitionOfTracker(tracker), offset })));
    ledger.committed(due);
    if (starved) bell.ring();
  };
  /** One at a time; what fails is tried again with what is due then. */
  const commitSoon = () => {
    if (exact || committing !== undefined || closed) return;
    let failed = false;
    committing = commit()
      .catch((error: Error) => {
        failed = true;
        host.log("offsets were not committed", { reason: error.message });
      })
      .finally(() => {
        committing = undefined;
        if (failed) return;
        if (settled >= commitPosts) commitSoon();
        else if (starved && ledger.due().length > 0) commitRested();
      });
  };
  let resting: NodeJS.Timeout | undefined;
  /** Posts wait for it, behind others that are under way: soon is enough. */
  const commitRested = () => {
    if (exact || resting !== undefined || closed) return;
    const ms = restMs();
    if (ms <= 0) return commitSoon();
    resting = setTimeout(() => {
      resting = undefined;
      commitSoon();
    }, ms).unref();
  };
  const flush = () => {
    if (!exact) commit().catch((error: Error) => host.log("offsets were not committed", { reason: error.message }));
  };
  const timer = setInterval(commitSoon, commitMs).unref();

  const deliver = (held: Held, post: Outcome<Post>): Delivery => ({
    post,
    origin: held,
    revoked: held.tracker.fence.signal,
    attempt: held.attempt,
    settle: () => settle(held),
    redeliver: () => held.tracker.live && retries.take(held),
  });
  const read = (held: Held, signal: AbortSignal): Outcome<Post> | Promise<Outcome<Post>> => {
    const bytes = held.record.value;
    if (bytes !== null && bytes.length > maxBytes)
      return fail(new Fault("POST_TOO_LARGE", { where: held.where(), bytes: bytes.length, maxBytes }));
    return decode({ bytes, headers: held.headers }, held, signal);
  };
  const chunkOf = async (posts: readonly Held[], signal: AbortSignal): Promise<readonly Delivery[]> => {
    const outcomes = posts.map((held) => read(held, signal));
    const waited = outcomes.some((outcome) => outcome instanceof Promise) ? await Promise.all(outcomes) : outcomes;
    return posts.map((held, i) => deliver(held, waited[i] as Outcome<Post>));
  };

  const takeOn = (posts: readonly Held[]) => {
    for (const held of posts) {
      if (!held.taken) ledger.take(held.tracker, 1);
      held.taken = true;
    }
  };

  const join = async () => {
    const topics = wantedTopics(options);
    const { sessionMs, maxWaitMs } = options;
    consumer = await client.consumer(
      {
        group,
        topics: retry.topic === undefined ? topics : [...topics, retry.topic],
        sessionMs,
        maxWaitMs,
        maxBytesPerPartition: FETCH_BYTES,
      },
      {
        assigned: onAssigned,
        rebalancing: flush,
        lost: (reason) => {
          assigned = false;
          host.log("out of the group, joining again", { reason: reason.message });
        },
        records: onRecords,
        failed: breakOff,
      },
    );
  };

  return {
    async *read(signal) {
      if (signal.aborted) return;
      const stop = () => {
        stopped = true;
        ledger.stop();
        judge();
        bell.ring();
      };
      signal.addEventListener("abort", stop, { once: true });
      try {
        await join();
        while (!signal.aborted) {
          if (broken !== undefined) throw broken;
          const posts = shelf.take(CHUNK, ledger.room);
          starved = posts.length === 0 && shelf.waiting;
          if (posts.length > 0) {
            takeOn(posts);
            const chunk = await chunkOf(posts, signal);
            // Some may have waited for a schema in vain: they stay in their topic.
            if (!signal.aborted) yield chunk;
          } else {
            if (starved) commitRested();
            await bell.rung();
          }
        }
      } finally {
        signal.removeEventListener("abort", stop);
        stop();
      }
    },
    ...(transactions !== undefined && { transact: transactions.transact }),
    health() {
      const oldestSeconds = ledger.oldestMs(performance.now()) / 1000;
      const figures = { assigned: ledger.trackers.size, inFlight: ledger.pending, oldestSeconds };
      const said = { figures, lag: lag.now() };
      if (broken !== undefined) return { ready: false, reason: broken.message, ...said };
      if (!assigned) return { ready: false, reason: "not in the group", ...said };
      return stopped ? { ready: false, reason: "stopping", ...said } : { ready: true, ...said };
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      clearTimeout(resting);
      retries.close();
      lag.close();
      bell.ring();
      await Promise.race([lastCommit(), sleep(LAST_COMMITS_MS, undefined, { ref: false })]);
      await consumer?.close();
      await transactions?.close();
      await retryProducer?.close();
    },
  };

  async function lastCommit(): Promise<void> {
    await committing;
    for (let tries = 1; !exact && tries <= LAST_COMMITS; tries++) {
      try {
        await turn();
        return await commit();
      } catch (error) {
        host.log("the last offsets were not committed", { tries, reason: (error as Error).message });
        await sleep(100 * tries);
      }
    }
  }
}

const partitionOfTracker = ({ lane }: Tracker): Partition => partitionOf(lane);

/** Wakes whoever waits; a ring that nobody hears is kept for the next. */
function createBell() {
  let heard = () => {};
  let rang = false;
  return {
    ring() {
      rang = true;
      heard();
    },
    async rung(): Promise<void> {
      if (!rang)
        await new Promise<void>((done) => {
          heard = done;
        });
      rang = false;
    },
  };
}
