import { flood } from "../flood.ts";
import type { Clock } from "./clock.ts";
import type { DriftSection } from "./config.ts";
import { decodeEvent, decodeFeedback } from "./decode.ts";
import { type EventResult, forgetEvents, keepEvent } from "./emitted.ts";
import { keepPoint } from "./history.ts";
import {
  forgetLabels,
  forgetWaiting,
  type LabelResult,
  labelsFor,
  pushOut,
  takeLabel,
  waitingLabels,
} from "./labels.ts";
import type { Store } from "./store.ts";
import { pointOf, type Telling, type Told, tell } from "./tell.ts";

export interface InputRecord {
  /** Where it stands, for people. */
  readonly where: string;
  readonly bytes: Uint8Array | string;
  /** Milliseconds since 1970, as its writer says. */
  readonly timestamp: number;
}

export interface Batch {
  readonly kind: "event" | "feedback";
  readonly records: readonly InputRecord[];
  /** How far the partition has been read once these are kept. */
  readonly place?: { readonly name: string; readonly next: number };
}

export type EventCount = EventResult | "invalid";
export type LabelCount = LabelResult | "invalid" | "expired" | "pushed_out";

const noEvents: Readonly<Record<EventCount, 0>> = { kept: 0, revised: 0, repeated: 0, outdated: 0, invalid: 0 };
const noLabels: Readonly<Record<LabelCount, 0>> = {
  ...{ joined: 0, replaced: 0, repeated: 0, outdated: 0, waiting: 0 },
  ...{ other_model: 0, off_text: 0, invalid: 0, expired: 0, pushed_out: 0 },
};
/** All that may become of an event, and of a label. */
export const eventCounts = Object.keys(noEvents);
export const labelCounts = Object.keys(noLabels);

export interface Counts {
  readonly events: Readonly<Partial<Record<EventCount, number>>>;
  readonly feedback: Readonly<Partial<Record<LabelCount, number>>>;
}

export interface Watch {
  /** Keeps a batch and how far it was read, all or nothing. Throws DRIFT_STORE_FULL or DRIFT_STORE. */
  take(batch: Batch): void;
  placeOf(name: string): number | undefined;
  tell(): Told;
  /** Tells what was left out of the log last. */
  end(): void;
  /** Since the process began. */
  readonly counts: Counts;
}

export interface WatchParts extends Omit<Telling, "now"> {
  readonly store: Store;
  readonly clock: Clock;
  readonly section: DriftSection;
  /** Told of what could not be read; no text of a post is in it. */
  readonly warn: (message: string, fields: Readonly<Record<string, string>>) => void;
}

/** Housekeeping is done once in so many records. */
const SWEEP = 1000;

/** Joins events and labels in the store. Nothing is asynchronous: a batch is kept when `take` returns. */
export function createWatch(parts: WatchParts): Watch {
  const { store, clock, section, warn } = parts;
  const counts = { events: {} as Record<EventCount, number>, feedback: {} as Record<LabelCount, number> };
  let [sinceSweep, sincePoint] = [0, 0];
  let waiting = waitingLabels(store);

  /** What a transaction has counted; added to the counts when it is kept. */
  let made: { kind: "events" | "feedback"; result: EventCount | LabelCount; by: number }[] = [];
  const count = (kind: "events" | "feedback", result: EventCount | LabelCount, by = 1) => {
    if (by > 0) made.push({ kind, result, by });
  };
  const few = flood((left) => warn("more records that could not be read", { records: String(left) }), clock.now);
  const invalid = (kind: "events" | "feedback", where: string, reason: string) => {
    count(kind, "invalid");
    few.line(() => warn(kind === "events" ? "this is no event" : "this is no feedback", { where, reason }));
  };

  const takeEvent = ({ where, bytes, timestamp }: InputRecord) => {
    const found = decodeEvent(bytes, clock.believe(timestamp));
    if ("invalid" in found) return invalid("events", where, found.invalid);
    const result = keepEvent(store, found.value);
    count("events", result);
    if (result === "kept") sincePoint++;
    if (waiting === 0 || result === "repeated") return;
    const waited = labelsFor(store, found.value);
    waiting -= waited.length;
    for (const { label, received } of waited) joinLabel(label, received);
  };
  const joinLabel = (label: Parameters<typeof takeLabel>[1], received: number) => {
    const labelledAt = clock.believe(Date.parse(label.labelledAt));
    const result = takeLabel(store, label, labelledAt, received);
    count("feedback", result);
    if (result !== "waiting" && result !== "other_model") return;
    const out = pushOut(store, ++waiting);
    count("feedback", "pushed_out", out);
    waiting -= out;
  };
  const takeFeedback = ({ where, bytes }: InputRecord) => {
    const found = decodeFeedback(bytes, section.labelMap);
    if ("invalid" in found) return invalid("feedback", where, found.invalid);
    joinLabel(found.value, clock.now());
  };
  const sweep = () => {
    const now = clock.now();
    forgetEvents(store, now);
    forgetLabels(store);
    count("feedback", "expired", forgetWaiting(store, now));
    waiting = waitingLabels(store);
    sinceSweep = 0;
  };
  const telling = () => ({ ...parts, now: clock.now() });
  const kept = (work: () => void) => {
    const before = waiting;
    try {
      store.transaction(work);
    } catch (error) {
      waiting = before;
      throw error;
    }
  };

  return {
    counts,
    end: few.end,
    placeOf: (name) => store.get<{ next: number }>("SELECT next FROM places WHERE place = ?", name)?.next,
    tell: () => ({
      ...tell(store, telling()),
      // Of the same moment as the rest: it may be kept for a while.
      counts: { events: { ...counts.events }, ...(section.feedback && { feedback: { ...counts.feedback } }) },
      waiting: waitingLabels(store),
    }),
    take({ kind, records, place }) {
      made = [];
      kept(() => {
        for (const record of records) {
          if (kind === "event") takeEvent(record);
          else takeFeedback(record);
          if (sincePoint >= section.every) {
            keepPoint(store, pointOf(store, telling()));
            sincePoint = 0;
          }
        }
        if (place !== undefined) store.run("INSERT OR REPLACE INTO places VALUES (?, ?)", place.name, place.next);
        sinceSweep += records.length;
        if (sinceSweep >= SWEEP) sweep();
      });
      for (const { kind, result, by } of made) {
        const table = counts[kind] as Record<string, number>;
        table[result] = (table[result] ?? 0) + by;
      }
    },
  };
}
