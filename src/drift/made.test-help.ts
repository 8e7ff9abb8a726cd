import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Feedback } from "../schema/feedback.ts";
import { createClock } from "./clock.ts";
import { driftSchema } from "./config.ts";
import type { SaidEvent } from "./observation.ts";
import type { ModelReference } from "./reference.ts";
import { openStore, type Store } from "./store.ts";
import { createWatch, type InputRecord, type WatchParts } from "./watch.ts";

export const freshPath = (name = "drift.sqlite"): string => join(mkdtempSync(join(tmpdir(), "starling-drift-")), name);

export const limits = { events: 1000, labels: 1000, waiting: 100, waitingMs: 60_000 };

export const ada = { start: 0, end: 3, type: "PER" };
const london = { start: 7, end: 13, type: "LOC" };

const entity = (span: typeof ada, text: string, confidence = 0.9) => ({
  ...span,
  text,
  codePoints: { start: span.start, end: span.end },
  words: { start: 0, end: 1 },
  confidence,
});

/** "Ada in London", with both entities found; 13 characters. */
export const event = (change: Partial<SaidEvent> = {}): SaidEvent & { readonly schema: string } => ({
  schema: "starling.entities/1",
  key: "posts/0:1:v",
  postId: "p1",
  model: "m-1",
  revision: 0,
  entities: [entity(ada, "Ada"), entity(london, "London", 0.8)],
  expected: { correct: 1.7, gold: 2 },
  input: { characters: 13, words: 3, language: "en", images: 0, knowledgeCharacters: 0 },
  captions: [],
  knowledge: null,
  ...change,
});

export const feedback = (change: Partial<Feedback> = {}): Feedback => ({
  schema: "starling.feedback/1",
  key: "posts/0:1:v",
  entities: [ada],
  weight: 1,
  labelledAt: "2026-05-02T12:00:00Z",
  ...change,
});

export const may = (day: number): number => Date.UTC(2026, 4, day);

export const unreferenced: ModelReference = {
  version: undefined,
  f1: {},
  population: [],
  calibration: { correct: 1, gold: 1 },
  notes: [],
};

interface Watched {
  readonly store?: Store;
  readonly section?: object;
  readonly reference?: ModelReference;
  readonly now?: () => number;
}

/** A watch over a store in memory, at a time that the test sets. */
export function watched({ store, section = {}, reference = unreferenced, now = () => may(3) }: Watched = {}) {
  const warnings: Parameters<WatchParts["warn"]>[] = [];
  const opened = store ?? openStore(":memory:", limits);
  const clock = createClock({ wall: now, ran: now });
  const given = driftSchema.parse({
    ...{ events: { topics: ["entities"] }, feedback: { topics: ["feedback"] }, store: ":memory:" },
    ...section,
  });
  const watch = createWatch({
    ...{ store: opened, clock, section: given, reference },
    warn: (...warning) => warnings.push(warning),
  });
  const record = (value: unknown, timestamp = may(1)): InputRecord => ({
    where: "t/0:0",
    bytes: typeof value === "string" ? value : JSON.stringify(value),
    timestamp,
  });
  return {
    watch,
    store: opened,
    warnings,
    events: (...values: unknown[]) => watch.take({ kind: "event", records: values.map((value) => record(value)) }),
    labels: (...values: unknown[]) => watch.take({ kind: "feedback", records: values.map((value) => record(value)) }),
    record,
  };
}
