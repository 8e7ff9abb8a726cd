import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, EachBatchPayload, KafkaMessage, PartitionAssigner, RetryOptions } from "kafkajs";
import {
  type Assignment,
  type ConsumerEvents,
  type ConsumerOptions,
  Fault,
  type GroupConsumer,
  type LogRecord,
  type Partition,
  type Position,
} from "starling-ner";
import { createCommits } from "./commits.ts";
import type { Connection } from "./connection.ts";
import { onOutOfRange } from "./out-of-range.ts";
import { MADE_ANEW, watchTopics } from "./same-topics.ts";
import { sticky } from "./sticky.ts";

/** A client that neither fetches, nor fails, nor joins for so long has died without a word, in milliseconds. */
const SILENT_MS = 180_000;
/** How long a lost connection is tried again before the client starts anew, as another member, in milliseconds. */
const PATIENT_MS = 20_000;
/**
 * Between the beginnings of two fetches that bring little, in milliseconds: the log answers with the first record that
 * comes, and asked again at once it would answer hundreds of times a second, for one or two records each.
 */
const FETCH_REST_MS = 10;
/** Records of one partition from which a fetch has brought enough. */
const ENOUGH = 100;
/** How long leaving the group may take, in milliseconds. */
const LEAVE_MS = 5000;

const none: LogRecord["headers"] = Object.freeze({});
const keyOf = ({ topic, partition }: Partition) => `${topic}/${partition}`;

/**
 * A member of a group by kafkajs, which is kept on a short lead: it commits nothing by itself, its `eachBatch` returns at
 * once so that heartbeats go on, and no partition is read before `start` has said from where.
 */
export async function joinGroup(
  connection: Connection,
  topics: readonly string[],
  options: ConsumerOptions,
  events: ConsumerEvents,
): Promise<GroupConsumer> {
  const { group, sessionMs, maxWaitMs, maxBytesPerPartition } = options;
  const { fault, log } = connection;
  const commits = createCommits();
  /** What this member says it holds, when the group divides its partitions. */
  let held: Readonly<Record<string, number[]>> = {};
  const retry = patienceOf(sessionMs);
  let sameTopics: ReturnType<typeof watchTopics> = async () => {};
  /** The client shows its cluster to the assigner only. */
  const assigner: PartitionAssigner = (config) => {
    sameTopics = watchTopics(config.cluster, log);
    onOutOfRange(config.cluster, (refused) => onRefused(refused));
    return commits.watching(sticky(() => held))(config);
  };
  const consumer = connection.kafka(retry).consumer({
    groupId: group,
    partitionAssigners: [assigner],
    sessionTimeout: sessionMs,
    heartbeatInterval: Math.min(3000, Math.floor(sessionMs / 3)),
    rebalanceTimeout: Math.max(sessionMs, 60_000),
    maxWaitTimeInMs: maxWaitMs,
    maxBytesPerPartition,
    allowAutoTopicCreation: false,
    metadataMaxAge: 60_000,
    retry,
  });
  /** Where the next batch of each started partition has to begin. */
  const positions = new Map<string, number>();
  let assigned = new Map<string, Partition>();
  /** Undefined while the group divides its partitions, and outside of it. */
  let membership: { readonly member: string; readonly generation: number } | undefined;
  /** Joins, and ends of memberships. */
  let turns = 0;
  let closed = false;
  let lastSign = performance.now();
  let fetchedAt = 0;

  const alive = () => {
    lastSign = performance.now();
  };
  const fail = (error: unknown) => {
    if (!closed) events.failed(fault(error, `reading ${topics.join(", ")} as a member of the group ${group}`));
  };
  // The client throws where it is in no group, also for no partitions; then there are none.
  const hold = (partitions: readonly Partition[]) => {
    if (partitions.length > 0) consumer.pause(byTopic(partitions));
  };
  const release = (partitions: readonly Partition[]) => {
    if (partitions.length > 0) consumer.resume(byTopic(partitions));
  };

  const onJoin = ({ memberId, memberAssignment }: Joined) => {
    alive();
    const partitions = Object.entries(memberAssignment).flatMap(([topic, list]) =>
      list.map((partition): Partition => ({ topic, partition })),
    );
    positions.clear();
    held = memberAssignment;
    hold(partitions);
    const joined = { member: memberId, generation: commits.generation };
    const turn = ++turns;
    // Before anything is read or committed: a topic that was deleted makes the client join again.
    sameTopics(Object.keys(memberAssignment)).then(() => {
      if (turn === turns && !closed) own(joined, partitions);
    }, fail);
  };
  const own = (joined: NonNullable<typeof membership>, partitions: readonly Partition[]) => {
    const { member } = joined;
    assigned = new Map(partitions.map((partition) => [keyOf(partition), partition]));
    membership = joined;
    log("joined the group", { group, member, partitions: [...assigned.keys()] });
    events.assigned({ member, partitions } satisfies Assignment);
  };
  const onRebalancing = () => {
    alive();
    turns++;
    if (membership === undefined) return;
    events.rebalancing?.();
    membership = undefined;
  };
  const onCrash = (error: Error, restart: boolean) => {
    alive();
    turns++;
    membership = undefined;
    held = {};
    positions.clear();
    if (!restart) return fail(error);
    log("the client lost its connection, and starts again", { group, reason: error.message });
    events.lost?.(error);
  };

  const onBatch = ({ batch, isStale }: EachBatchPayload): void => {
    const { topic, partition } = batch;
    const position = positions.get(keyOf(batch));
    // Not started: `start` will say from where it is to be read again.
    if (position === undefined || isStale() || closed) return;
    const fetched = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    if (fetched !== position) {
      realign({ topic, partition }, position);
      return;
    }
    const next = Number(batch.lastOffset()) + 1;
    positions.set(keyOf(batch), Math.max(position, next));
    events.records({ topic, partition, records: batch.messages.map(recordOf), next });
  };

  /** There is no such offset: what was there is no longer kept, or the topic is another one, or ends before. */
  const onRefused = (refused: Position) => {
    const position = positions.get(keyOf(refused));
    if (position !== undefined && !closed) realign(refused, position, refused.offset === position);
  };
  /**
   * The client has gone on elsewhere than where it was told to, or cannot go on. What is still there is read from where
   * it begins. A refused offset that is not below the first record was behind the last, even if it no longer is.
   */
  const realign = ({ topic, partition: number }: Partition, position: number, refused = false) => {
    const partition = { topic, partition: number };
    positions.delete(keyOf(partition));
    hold([partition]);
    void connection
      .ends(partition)
      .then(({ earliest, latest }) => {
        if (closed || positions.has(keyOf(partition)) || !assigned.has(keyOf(partition))) return;
        if (position > latest || (refused && earliest <= position))
          throw new Fault("LOG_FAILED", {
            what: `reading ${keyOf(partition)} from offset ${position}`,
            reason: `it ends at ${latest}: ${MADE_ANEW}`,
          });
        if (earliest > position)
          log("records were deleted before they were read", { ...partition, position, earliest });
        start({ ...partition, offset: Math.max(position, earliest) });
      })
      .catch(fail);
  };
  const start = (at: Position) => {
    const { topic, partition, offset } = at;
    positions.set(keyOf(at), offset);
    consumer.seek({ topic, partition, offset: String(offset) });
    consumer.resume(byTopic([at]));
  };

  listen(consumer, {
    joined: onJoin,
    rebalancing: onRebalancing,
    crashed: onCrash,
    alive,
    fetching: () => {
      fetchedAt = performance.now();
    },
    passed: (at, next) => {
      const position = positions.get(keyOf(at));
      if (position === undefined || next <= position) return;
      positions.set(keyOf(at), next);
      events.records({ topic: at.topic, partition: at.partition, records: [], next });
    },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  } catch (error) {
    await consumer.disconnect().catch(() => {});
    throw fault(error, `joining the group ${group}`);
  }
  // Resolves once the group was joined, or in vain: then the events say so.
  void consumer
    .run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      async eachBatch(payload) {
        onBatch(payload);
        const restMs = fetchedAt + FETCH_REST_MS - performance.now();
        // The next fetch begins once all batches of this one were handed over.
        if (payload.batch.messages.length < ENOUGH && restMs >= 1) await sleep(restMs);
      },
    })
    .catch(fail);
  const watch = setInterval(() => {
    // One that is paused, or made anew between two fetches, shows in nothing else.
    if (membership !== undefined)
      sameTopics([...new Set(Array.from(assigned.values(), ({ topic }) => topic))]).catch(fail);
    if (performance.now() - lastSign < SILENT_MS + sessionMs) return;
    clearInterval(watch);
    fail(new Error(`the client gave no sign of life for ${Math.round((SILENT_MS + sessionMs) / 1000)} s`));
  }, 10_000).unref();

  return {
    topics,
    start(at) {
      if (membership !== undefined && assigned.has(keyOf(at)) && !closed) start(at);
    },
    pause(partitions) {
      if (!closed) hold(partitions.filter((one) => positions.has(keyOf(one))));
    },
    resume(partitions) {
      if (!closed) release(partitions.filter((one) => positions.has(keyOf(one))));
    },
    async commit(at) {
      const ours = at.filter((one) => assigned.has(keyOf(one)));
      if (ours.length === 0) return;
      if (membership === undefined)
        throw new Fault("LOG_UNREACHABLE", {
          brokers: connection.brokers,
          reason: `the group ${group} is rebalancing`,
        });
      try {
        await commits.commit(group, membership.member, membership.generation, ours);
      } catch (error) {
        throw fault(error, `committing offsets of the group ${group}`);
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(watch);
      const late = new AbortController();
      await Promise.race([
        consumer
          .disconnect()
          .catch((error: Error) => log("leaving the group failed", { group, reason: error.message })),
        sleep(LEAVE_MS, undefined, { signal: late.signal }).catch(() => {}),
      ]);
      late.abort();
    },
  };
}

/**
 * A broker that restarts within `PATIENT_MS` costs no membership: it counts the session anew when it is back, and by
 * then tries come often enough. The client's connections go by these times too, and give the member up where they do.
 */
function patienceOf(sessionMs: number): RetryOptions {
  const maxRetryTime = Math.min(3000, Math.floor(sessionMs / 4));
  return { initialRetryTime: 100, maxRetryTime, retries: 5 + Math.ceil(PATIENT_MS / maxRetryTime) };
}

interface Joined {
  readonly memberId: string;
  readonly memberAssignment: Readonly<Record<string, number[]>>;
}

interface Signs {
  joined(event: Joined): void;
  rebalancing(): void;
  crashed(error: Error, restart: boolean): void;
  alive(): void;
  fetching(): void;
  /** A batch that holds nothing to show, such as markers of transactions. */
  passed(at: Partition, next: number): void;
}

function listen(consumer: Consumer, signs: Signs): void {
  const { events } = consumer;
  consumer.on(events.GROUP_JOIN, ({ payload }) => signs.joined(payload));
  consumer.on(events.REBALANCING, () => signs.rebalancing());
  consumer.on(events.CRASH, ({ payload }) => signs.crashed(payload.error, payload.restart));
  consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize === 0) signs.passed(payload, Number(payload.lastOffset) + 1);
  });
  consumer.on(events.FETCH_START, () => signs.fetching());
  for (const name of [events.FETCH_START, events.CONNECT, events.DISCONNECT, events.HEARTBEAT] as const)
    consumer.on(name as typeof events.HEARTBEAT, () => signs.alive());
}

const recordOf = ({ offset, key, value, headers, timestamp }: KafkaMessage): LogRecord => ({
  offset: Number(offset),
  key,
  value,
  headers: headers ?? none,
  timestamp: Number(timestamp),
});

function byTopic(partitions: readonly Partition[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
