import { definePort } from "../plugin.ts";

/** What a client of a partitioned log gives. Nothing here knows which log, or which client, it is. */
export const log = definePort<LogClient>("log@1");

export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** A place in a partition. Offsets are whole numbers below 2^53. */
export interface Position extends Partition {
  readonly offset: number;
}

/** The values of one header, each as it came. */
export type Header = Uint8Array | string | readonly (Uint8Array | string)[];

/** A record as it was read. */
export interface LogRecord {
  readonly offset: number;
  readonly key: Uint8Array | null;
  /** Null for a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, Header | undefined>>;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** A record to be appended. */
export interface NewRecord {
  readonly topic: string;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  /** Where it goes; otherwise the hash of `by`, or of the key, decides, as Java clients hash keys. */
  readonly partition?: number;
  readonly by?: string;
}

/** Records of one partition, in the order of their offsets; holes are possible. */
export interface RecordBatch extends Partition {
  readonly records: readonly LogRecord[];
  /** The offset behind the batch, also where its last records are not shown, as markers of transactions are not. */
  readonly next: number;
}

/** Which partitions a member of the group owns from now on. */
export interface Assignment {
  /** The member's id: while it stays the same, nobody else has owned what was held before and is held again. */
  readonly member: string;
  readonly partitions: readonly Partition[];
}

/** All are called without being waited for, and must return at once. */
export interface ConsumerEvents {
  /**
   * Replaces the assignment before it. Whatever is not named in it, or was held by another member, is gone by the time
   * of this call. No record of any partition is handed over until `start` is called for it, after each assignment anew.
   */
  assigned(assignment: Assignment): void;
  /** The group is dividing its partitions again: the last moment to commit what is done. */
  rebalancing?(): void;
  /** The member is out of the group, and joins again by itself. */
  lost?(reason: Error): void;
  records(batch: RecordBatch): void;
  /** The consumer has given up; nothing more will come. */
  failed(fault: Error): void;
}

export interface ConsumerOptions {
  readonly group: string;
  /** Names, or patterns that are compared with the topics there are when the consumer opens. */
  readonly topics: readonly (string | RegExp)[];
  /** A member that is not heard of for so long is put out of the group, in milliseconds. */
  readonly sessionMs: number;
  /** How long a fetch waits for records where there are none; also how long a resumed partition may have to wait. */
  readonly maxWaitMs: number;
  /** Bytes of one partition in one fetch, about. */
  readonly maxBytesPerPartition: number;
}

/** A member of a consumer group. Heartbeats never depend on whoever takes the records. */
export interface GroupConsumer {
  /** The topics that the names and patterns stood for. */
  readonly topics: readonly string[];
  /** Hands over records of an assigned partition from `offset` on. */
  start(position: Position): void;
  /** Records that were under way may still be dropped; they come again after `resume`. */
  pause(partitions: readonly Partition[]): void;
  resume(partitions: readonly Partition[]): void;
  /**
   * Commits for the assignment that is valid at the time of the call, and no later one: throws where the group has moved
   * on since. Never tried again inside: what is to be committed is the caller's to decide anew. The member's id stands
   * beside the offset, so that the log can tell whose a commit was.
   */
  commit(positions: readonly Position[]): Promise<void>;
  /** Leaves the group. */
  close(): Promise<void>;
}

/** Appends records; each is acknowledged by every replica in sync. */
export interface Producer {
  /**
   * Throws LOG_RECORD_REFUSED where the log refuses the batch for what is in it; some of it may have been written. Throws
   * a fault with `retry` where trying again may help.
   */
  send(records: readonly NewRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A producer of one transactional id. After a throw of `commit` it is broken: close it and open another. */
export interface TransactionalProducer {
  /**
   * Appends the records and moves the group's offsets, all or nothing. After a throw it is not known which. `note` stands
   * beside the offsets, for people.
   */
  commit(records: readonly NewRecord[], group: string, positions: readonly Position[], note?: string): Promise<void>;
  close(): Promise<void>;
}

/** `latest` is the offset behind the last record; a time stands for the first record at or after it. */
export type Moment = "earliest" | "latest" | Date;

export interface LogClient {
  /** How people know it, such as its list of brokers. */
  readonly address: string;
  /** Number of partitions of each topic, of all topics where no names are given. Throws LOG_TOPIC_MISSING. */
  topics(names?: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Bytes of one record that the topic takes, packed or not; undefined where we may not know. */
  maxRecordBytes(topic: string): Promise<number | undefined>;
  /** The offset of each partition of a topic at a moment; where no record is so late, the offset behind the last. */
  offsets(topic: string, at: Moment): Promise<readonly Position[]>;
  /** What a group has committed; partitions without a commit are left out. */
  committed(group: string, topic: string): Promise<readonly Position[]>;
  /** Joins the group once everything is known to be there. Throws LOG_TOPIC_MISSING, LOG_FORBIDDEN and others. */
  consumer(options: ConsumerOptions, events: ConsumerEvents): Promise<GroupConsumer>;
  producer(options?: ProducerOptions): Promise<Producer>;
  /** Resolves once whatever a former producer of this id has left is ended. */
  transactional(id: string, options?: ProducerOptions): Promise<TransactionalProducer>;
}

export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

export interface ProducerOptions {
  readonly compression?: Compression;
  /** Requests under way at a time, 1 by default. With more, one that has to be sent again may come behind others. */
  readonly inFlight?: number;
}
