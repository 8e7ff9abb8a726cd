import { basename, resolve } from "node:path";
import type { Log } from "../host.ts";
import { linesOf } from "../letters/index.ts";
import type { RecordBatch } from "../log/index.ts";
import { openLog } from "../log/of-plan.ts";
import type { Plan } from "../plan.ts";
import type { Health } from "../plugin.ts";
import { createClock } from "./clock.ts";
import type { DriftSection } from "./config.ts";
import { eventsKept } from "./emitted.ts";
import { follow } from "./follow.ts";
import { readReference } from "./reference.ts";
import { lockStore, openStore, type StoreOptions } from "./store.ts";
import { type Batch, createWatch, type InputRecord, type Watch, type WatchParts } from "./watch.ts";

const HOUR_MS = 3_600_000;

export interface OpenDrift {
  readonly watch: Watch;
  /** Reads all there is of files, or follows topics until `signal` aborts. */
  read(signal: AbortSignal): Promise<void>;
  health(): Health;
  close(): void;
}

export interface DriftParts {
  readonly plan: Plan;
  readonly section: DriftSection;
  readonly warn: WatchParts["warn"];
  readonly log?: Log;
  /** Open the store for a report, beside the process that writes to it. */
  readonly readOnly?: boolean;
}

/** Opens store and reference. Throws DRIFT_STORE, or what is wrong with the model's folder. */
export async function openDrift({ plan, section, warn, log: logTo, readOnly = false }: DriftParts): Promise<OpenDrift> {
  const { folder } = plan.text;
  const topics = topicsOf(section);
  const model = section.model === undefined ? undefined : resolve(folder, section.model);
  const reference = await readReference(model, { ignore: section.population.ignore, f1: section.reference?.f1 });
  const path = section.store === undefined ? ":memory:" : resolve(folder, section.store);
  using closing = new DisposableStack();
  if (!readOnly) closing.defer(await lockStore(path));
  const store = closing.adopt(openStore(path, { ...limitsOf(section), readOnly }), (store) => store.close());
  const clock = createClock({ notBefore: eventsKept(store).newestAt });
  const watch = createWatch({ store, clock, section, reference, warn });
  let health = (): Health => ({ ready: true });
  const open = closing.move();
  return {
    watch,
    health: () => health(),
    close: () => {
      watch.end();
      open.dispose();
    },
    async read(signal) {
      await readFiles(section, { folder, watch, signal });
      if (topics.length === 0 || signal.aborted) return;
      const log = await openLog(plan, section.client, logTo);
      try {
        await log.client.topics(topics);
        const follower = follow({
          ...{ client: log.client, group: section.group, topics, signal, warn },
          placeOf: ({ topic, partition }) => watch.placeOf(`${topic}/${partition}`),
          take: (batch) => watch.take(batchOf(batch, section)),
        });
        health = follower.health;
        await follower.done;
      } finally {
        await log.close();
      }
    },
  };
}

const limitsOf = ({ keep: { waitingHours, ...keep } }: DriftSection): StoreOptions => ({
  ...keep,
  waitingMs: waitingHours * HOUR_MS,
});

const topicsOf = ({ events, feedback }: DriftSection): string[] => [
  ...new Set([...(events.topics ?? []), ...(feedback?.topics ?? [])]),
];

function batchOf({ topic, partition, records, next }: RecordBatch, { events }: DriftSection): Batch {
  const lane = `${topic}/${partition}`;
  return {
    kind: events.topics?.includes(topic) ? "event" : "feedback",
    // A tombstone says nothing.
    records: records.flatMap(({ offset, value, timestamp }): InputRecord[] =>
      value === null ? [] : [{ where: `${lane}:${offset}`, bytes: value, timestamp }],
    ),
    place: { name: lane, next },
  };
}

/** Lines kept in one transaction. */
const LINES = 500;

interface Reading {
  readonly folder: string;
  readonly watch: Watch;
  readonly signal: AbortSignal;
}

/**
 * Files tell no time: what is read counts as emitted now. Labels come first and wait, so that each joins as its event is
 * read and the report shows how F1 went; no more than `keep.waiting` do.
 */
async function readFiles({ events, feedback }: DriftSection, { folder, watch, signal }: Reading): Promise<void> {
  for (const [kind, files] of [
    ["feedback", feedback?.files],
    ["event", events.files],
  ] as const)
    for (const file of files ?? []) {
      const path = resolve(folder, file);
      let [records, line] = [[] as InputRecord[], 0];
      for await (const bytes of linesOf(path)) {
        if (signal.aborted) return;
        line++;
        if (bytes.trim() === "") continue;
        records.push({ where: `${basename(path)}:${line}`, bytes, timestamp: Date.now() });
        if (records.length >= LINES) watch.take({ kind, records: records.splice(0) });
      }
      watch.take({ kind, records });
    }
}
