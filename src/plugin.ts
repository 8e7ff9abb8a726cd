import type { z } from "zod";
import type { Fact, Facts } from "./facts.ts";
import type { Measure } from "./metrics/catalogue.ts";
import type { Outcome } from "./outcome.ts";
import type { DeadLetter } from "./schema/dead-letter.ts";
import type { EntityEvent } from "./schema/event.ts";
import type { Post } from "./schema/post.ts";

/** Version of these shapes; a plugin made for another is refused before it opens. */
export const API = 1;

/** A post with the facts a stage asked for: `N` are certain, `U` are welcome. */
export interface View<N extends Fact = never, U extends Fact = never> {
  readonly post: Post;
  readonly facts: Pick<Facts, N> & Partial<Pick<Facts, U>>;
}

/** An open stage. There is no closed one: `open()` makes it, `close()` ends it. */
export interface Stage<N extends Fact = never, U extends Fact = never, G extends Fact = never> {
  /** Answers a post at once, before any queue or batch, or leaves it to `run` by returning undefined. */
  quick?(view: View<N, U>): Outcome<Pick<Facts, G>> | undefined;
  /**
   * One outcome for each post, in the order given. A throw fails the whole batch.
   * Once `signal` is aborted, outcomes that are returned at once still count.
   */
  run(batch: readonly View<N, U>[], signal: AbortSignal): Promise<readonly Outcome<Pick<Facts, G>>[]>;
  /**
   * Of what it read from files that its options name, where that decides what it says; see `filesVersion`. The
   * pipeline's version changes with it.
   */
  readonly version?: string;
  close?(): Promise<void>;
}

/** Where a post came from; enough to name it, and to give its bytes back unchanged. */
export interface Origin {
  /** Where order matters: topic and partition for Kafka, file name for files. */
  readonly lane: string;
  /** Position inside the lane: Kafka's offset, or the line number of a file from 0. */
  readonly offset: string;
  /** The original bytes, as they came. */
  bytes(): Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** When a log took it, in milliseconds since 1970. */
  readonly timestamp?: number;
  /** The record's key, where it has one; `order: key` keeps posts of one key in order. */
  readonly key?: Uint8Array | undefined;
}

/** One post on its way in; `post` is a failure where the bytes could not be read as one. */
export interface Delivery {
  readonly post: Outcome<Post>;
  readonly origin: Origin;
  /** Aborted when the source no longer owns this post: work on it may stop. */
  readonly revoked?: AbortSignal;
  /** How often this post was delivered before, and this time; 1 where it is not said. */
  readonly attempt?: number;
  /**
   * Asked when the post failed for a reason that may pass. True where the source takes it back, to deliver it again
   * later, with the same `origin`; the post is then not settled. Otherwise it goes to the dead letters.
   */
  redeliver?(error: Error): boolean;
  /** Called exactly once, after the last event of the post, or its dead letter, is durable. */
  settle(): void;
}

export interface Source {
  /**
   * Yields deliveries in the chunks they were read in; the next chunk is asked for only when there is room.
   * Ends when the input ends or `signal` aborts.
   */
  read(signal: AbortSignal): AsyncIterable<readonly Delivery[]>;
  /** For `delivery: exactly-once`; sources that cannot do it leave it out. */
  transact?: Transact;
  /** For `/ready`; asked often, so it must answer from what is known. */
  health?(): Health;
  close?(): Promise<void>;
}

/** What an operator's probe wants to know of a part of the pipeline. */
export interface Health {
  readonly ready: boolean;
  /** Why it is not ready, in a few words. */
  readonly reason?: string;
  /** Figures behind it, such as `assigned` partitions and `oldestSeconds` of the oldest post in flight. */
  readonly figures?: Readonly<Record<string, number>>;
  /** What a consumer of a log has yet to commit, of each partition that is its own. */
  readonly lag?: readonly { readonly topic: string; readonly partition: number; readonly messages: number }[];
}

/** One finished post: what its sinks would append, and the delivery that it settles. */
export interface Transacted {
  readonly delivery: Delivery;
  /** What `Sink.encode` made of its events or its dead letter; empty for a record that is no post. */
  readonly records: readonly unknown[];
}

export interface TransactAnswer {
  /** How many of the posts, from the first on, are durable together with their offsets. */
  readonly done: number;
  /** Why the post after those was refused, where the log refused it alone. */
  readonly refused?: Error;
}

/**
 * Appends the records of posts of one lane and moves the lane's offset behind them, all or nothing. The posts come in
 * the order of their delivery, without gaps. A throw ends the run.
 */
export type Transact = (lane: string, posts: readonly Transacted[], signal: AbortSignal) => Promise<TransactAnswer>;

/** One record for a sink. */
export interface Output {
  readonly record: EntityEvent | DeadLetter;
  readonly origin: Origin;
  /** Absent where the bytes could not be read as a post. */
  readonly post?: Post;
}

export interface Sink {
  /** Where records go, in a few words for people: a path, a topic. The summary of a run names it. */
  readonly place?: string;
  /**
   * Where each write is dear, such as a request to a server: how long records may wait for others, in milliseconds, once
   * the write before has ended. They wait so long where the window is full and posts wait for the stages, a sixth of it where
   * none do, and not at all where half of the window is empty, the run stops, or one of them is a draft.
   */
  readonly gatherMs?: number;
  /** One outcome for each record, in order, once it is durable (or refused). A throw fails the whole batch. */
  write(batch: readonly Output[], signal: AbortSignal): Promise<readonly Outcome<void>[]>;
  /**
   * For `delivery: exactly-once`: what `write` would append, for a source of the same log to append in one transaction
   * with its offsets. One outcome for each record, in order.
   */
  encode?(batch: readonly Output[]): readonly Outcome<unknown>[];
  close?(): Promise<void>;
}

/** A shape that several plugins can fill and several stages can borrow. The number in its name changes with its shape. */
export interface Port<T> {
  readonly name: string;
  /** Never present; carries the type. */
  readonly shape?: (value: T) => T;
}
export const definePort = <T>(name: string): Port<T> => ({ name });

export type Purpose = "serve" | "train";

/** Whether a crash may repeat the last events, or results and offsets move together in transactions. */
export type DeliveryMode = "at-least-once" | "exactly-once";

/** Whether events leave in the order in which their posts came: not at all, those of one key, or all of one lane. */
export type Order = "none" | "key" | "partition";

/** What the core lends to a plugin while it is open. */
export interface Host {
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** For what people should know although they did not ask for the log: another provider than wanted, a process replaced. */
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Adds to the counter `<plugin>_<name>_total`; the core owns registry and labels. */
  readonly count: (name: string, by?: number) => void;
  /** Tells a figure of a fixed list, such as `ner_llm_cost_usd_total`; docs/metrics.md has it. Never text from a post. */
  readonly measure: Measure;
  /** The resource that the config calls `name`; throws when it fills another port. */
  readonly borrow: <T>(port: Port<T>, name: string) => T;
  /** Resolves a path against the folder of the config file. */
  readonly resolve: (path: string) => string;
  /** What the pipeline is opened for: a model that has yet to learn is refused to `serve`. */
  readonly purpose: Purpose;
  readonly delivery: DeliveryMode;
  readonly order: Order;
  /** Posts read and not yet settled, at most. */
  readonly window: number;
  /**
   * Whether anything behind a stage reads this fact of it. One that nobody reads need not be given, whatever the stage
   * declares: a sentence vector costs more to move than all else that is said of a post.
   */
  readonly isRead: (fact: Fact) => boolean;
}

/** What a plugin's `check` may use: nothing is open yet. */
export interface CheckHost extends Pick<Host, "resolve" | "purpose"> {
  /** Tells that this part will read the file that `option` names: the core refuses another part that would write it. */
  readonly reads: (file: string, option: Refusal["option"]) => void;
  /** Tells that this part will write the file: the core refuses it where another part reads or writes the same. */
  readonly writes: (file: string, option: Refusal["option"]) => void;
  /** What the plugin of a borrowed resource can say of it before it opens; undefined where it says nothing. */
  readonly foretold: (name: string) => Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** What an option names and what will not do: a folder that is not there, a file that may not be written. */
export interface Refusal {
  /** The option at fault, as its path inside `options`. */
  readonly option: readonly (string | number)[];
  /** Says what is wrong and what to change, as `open` would. */
  readonly error: Error;
}

interface Declared<K extends string, O extends z.ZodType> {
  readonly api: typeof API;
  readonly kind: K;
  readonly name: string;
  /** One line for `starling plugins`. */
  readonly about: string;
  readonly options: O;
  /**
   * Looks at the files and folders that these options name, for `starling check`, and before anything opens.
   * It is quick, opens and makes nothing, and leaves to `open` what takes long to tell.
   */
  check?(options: z.output<O>, host: CheckHost): Promise<readonly Refusal[]>;
}

export interface StagePlugin<N extends Fact, U extends Fact, G extends Fact, O extends z.ZodType>
  extends Declared<"stage", O> {
  readonly needs: readonly N[];
  readonly uses: readonly U[];
  readonly gives: readonly G[];
  /** Names of the resources that these options borrow, so that `check` can tell before anything opens. */
  borrows?(options: z.output<O>): readonly Borrow[];
  /** Time limits of its own, in milliseconds, by option: a stage's `timeoutMs` below one of them ends its work before. */
  limits?(options: z.output<O>): Readonly<Record<string, number>>;
  open(options: z.output<O>, host: Host): Promise<Stage<N, U, G>>;
}

export interface Borrow {
  /** Only its name counts here. */
  readonly port: Pick<Port<unknown>, "name">;
  readonly name: string;
}

/** A topic that a source or a sink uses, of the log that a resource reaches. */
export interface TopicUse {
  /** Name of the resource that fills `log@1`. */
  readonly client: string;
  /** A pattern stands for all topics that match it; only a reader has one. */
  readonly topic: string | RegExp;
  readonly how: "reads" | "writes";
  /** The option that names it, as its path inside `options`. */
  readonly option: readonly (string | number)[];
}

export interface ResourcePlugin<T, O extends z.ZodType> extends Declared<"resource", O> {
  readonly fills: Port<T>;
  /**
   * Properties of the open resource that its options, and the files that they name, tell already, for the `check` of
   * those who borrow it. A property that will be absent is there, undefined. It opens nothing, and may throw.
   */
  foretell?(
    options: z.output<O>,
    host: Pick<CheckHost, "resolve" | "foretold">,
  ): Promise<{ readonly [K in keyof T]?: T[K] | undefined }>;
  borrows?(options: z.output<O>): readonly Borrow[];
  /** Addresses that these options reach, such as host:port: two clients that share one are of one log. */
  places?(options: z.output<O>): readonly string[];
  open(options: z.output<O>, host: Host): Promise<T & { close?(): Promise<void> }>;
}

export interface SourcePlugin<O extends z.ZodType> extends Declared<"source", O> {
  borrows?(options: z.output<O>): readonly Borrow[];
  /** Whether these options may deliver a post again behind later ones, as a retry topic does; refused where order counts. */
  reorders?(options: z.output<O>): boolean;
  /**
   * Topics that these options read and write: a topic that is written, and read or written a second time by the same
   * pipeline, is refused. One that a source writes for itself and reads again counts as written.
   */
  topics?(options: z.output<O>): readonly TopicUse[];
  open(options: z.output<O>, host: Host): Promise<Source>;
}

export interface SinkPlugin<O extends z.ZodType> extends Declared<"sink", O> {
  borrows?(options: z.output<O>): readonly Borrow[];
  /** As a source's: the topic that these options write. */
  topics?(options: z.output<O>): readonly TopicUse[];
  open(options: z.output<O>, host: Host): Promise<Sink>;
}

type Undeclared<P> = Omit<P, "api" | "kind">;

export function defineStage<
  O extends z.ZodType,
  const N extends Fact = never,
  const U extends Fact = never,
  const G extends Fact = never,
>(
  plugin: Omit<Undeclared<StagePlugin<N, U, G, O>>, "needs" | "uses"> & {
    readonly needs?: readonly N[];
    readonly uses?: readonly U[];
  },
): StagePlugin<N, U, G, O> {
  return { api: API, kind: "stage", needs: [], uses: [], ...plugin };
}

export const defineResource = <T, O extends z.ZodType>(
  plugin: Undeclared<ResourcePlugin<T, O>>,
): ResourcePlugin<T, O> => ({
  api: API,
  kind: "resource",
  ...plugin,
});

export const defineSource = <O extends z.ZodType>(plugin: Undeclared<SourcePlugin<O>>): SourcePlugin<O> => ({
  api: API,
  kind: "source",
  ...plugin,
});

export const defineSink = <O extends z.ZodType>(plugin: Undeclared<SinkPlugin<O>>): SinkPlugin<O> => ({
  api: API,
  kind: "sink",
  ...plugin,
});

/** Any plugin, once the config has chosen it by name: what it declares, without its types. */
export type AnyPlugin =
  | (Declared<"stage", z.ZodType> & {
      readonly needs: readonly Fact[];
      readonly uses: readonly Fact[];
      readonly gives: readonly Fact[];
      borrows?(options: unknown): readonly Borrow[];
      limits?(options: unknown): Readonly<Record<string, number>>;
      open(options: unknown, host: Host): Promise<Stage>;
    })
  | (Declared<"resource", z.ZodType> & {
      readonly fills: Pick<Port<unknown>, "name">;
      foretell?(options: unknown, host: Pick<CheckHost, "resolve" | "foretold">): Promise<object>;
      places?(options: unknown): readonly string[];
      borrows?(options: unknown): readonly Borrow[];
      open(options: unknown, host: Host): Promise<{ close?(): Promise<void> }>;
    })
  | (Declared<"source", z.ZodType> & {
      borrows?(options: unknown): readonly Borrow[];
      reorders?(options: unknown): boolean;
      topics?(options: unknown): readonly TopicUse[];
      open(options: unknown, host: Host): Promise<Source>;
    })
  | (Declared<"sink", z.ZodType> & {
      borrows?(options: unknown): readonly Borrow[];
      topics?(options: unknown): readonly TopicUse[];
      open(options: unknown, host: Host): Promise<Sink>;
    });
