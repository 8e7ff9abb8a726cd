import type { Entry, LogRecord, Origin, Partition, Tracker } from "starling-ner";
import { textHeaders } from "./headers.ts";

/** A record that is ours until it is settled: what it is, where it stood, and how often it was delivered. */
export class Held implements Origin {
  readonly tracker: Tracker;
  readonly entry: Entry;
  readonly record: LogRecord;
  readonly lane: string;
  readonly offset: string;
  attempt: number;
  /** It counts among those that a crash may repeat. */
  taken = false;
  /** When it was delivered first, in milliseconds since 1970. */
  readonly firstAt: number;
  readonly #cameBack: boolean;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(tracker: Tracker, entry: Entry, record: LogRecord, firstAt: number, came?: Came) {
    this.tracker = tracker;
    this.entry = entry;
    this.record = record;
    this.lane = came?.lane ?? tracker.lane;
    this.offset = came?.offset ?? String(record.offset);
    this.attempt = came?.attempt ?? 1;
    this.firstAt = came?.firstAt ?? firstAt;
    this.#cameBack = came !== undefined;
    this.#headers = came?.headers;
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= textHeaders(this.record.headers);
    return this.#headers;
  }

  /** When the post itself was appended; one that came back by a retry topic tells when it was first delivered. */
  get timestamp(): number {
    return this.#cameBack ? this.firstAt : this.record.timestamp;
  }

  get key(): Uint8Array | undefined {
    return this.record.key ?? undefined;
  }

  bytes(): Uint8Array {
    return this.record.value ?? new Uint8Array();
  }

  where(): string {
    return `${this.lane} offset ${this.offset}`;
  }
}

/** What a record of a retry topic says of the post it stands for. */
export interface Came {
  readonly lane: string;
  readonly offset: string;
  readonly attempt: number;
  readonly firstAt: number;
  /** Not to be delivered before, in milliseconds since 1970. */
  readonly notBefore: number;
  /** Those of the post itself. */
  readonly headers: Readonly<Record<string, string>>;
}

export const laneOf = ({ topic, partition }: Partition): string => `${topic}/${partition}`;

/** Topic names hold no slash. */
export function partitionOf(lane: string): Partition {
  const cut = lane.lastIndexOf("/");
  return { topic: lane.slice(0, cut), partition: Number(lane.slice(cut + 1)) };
}
