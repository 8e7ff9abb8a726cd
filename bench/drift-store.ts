/**
 * The store of `starling drift` with 1,000,000 events that await labels: its size on disk with all that belongs to it, and
 * the time of the join of one label, each in a transaction of its own. Events are those of models/default where the data
 * is there, else made ones of the same size. `npm run bench -- drift-store`
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepEvent } from "../src/drift/emitted.ts";
import { takeLabel } from "../src/drift/labels.ts";
import { type Observation, observe } from "../src/drift/observation.ts";
import { openStore, type Store } from "../src/drift/store.ts";
import { mulberry32 } from "../src/score/bootstrap.ts";
import { predictions } from "./support/predictions.ts";

const EVENTS = 1_000_000;
const wanted = { megabytes: 300, joinMs: 1 };
const BATCH = 500;

/** As the tagger answers posts of Twitter: 1.6 entities a post. */
function madeEvent(i: number): Observation {
  const entity = (n: number) => ({
    start: 7 + 31 * n,
    end: 20 + 31 * n,
    type: "PER",
    confidence: 0.93,
    words: 2,
    capitals: false,
  });
  const input = { characters: 97 + (i % 60), words: 17, language: "en", images: 1, knowledgeCharacters: 0 };
  return {
    key: "",
    postId: "",
    model: "default-957739d8",
    revision: 0,
    at: 0,
    entities: Array.from({ length: [0, 1, 2, 2, 3][i % 5]! }, (_, n) => entity(n)),
    expected: { correct: 1.412, gold: 1.738 },
    input: { ...input, novelty: { words: 11, unknown: 2 } },
    captionCharacters: 49,
    llm: undefined,
  };
}

async function samples(): Promise<{ readonly from: string; readonly events: readonly Observation[] }> {
  const found = await predictions();
  if (found === undefined) return { from: "made", events: Array.from({ length: 1000 }, (_, i) => madeEvent(i)) };
  return {
    from: "models/default",
    events: Object.values(found)
      .flat()
      .map(({ event }) => observe(event, 0)),
  };
}

const keyOf = (i: number) => `entities-of-posts/${i % 12}:${Math.floor(i / 12)}:3f2a91bc`;

function fill(store: Store, events: readonly Observation[], count: number): void {
  for (let i = 0; i < count; i += BATCH)
    store.transaction(() => {
      for (let n = i; n < Math.min(count, i + BATCH); n++) {
        const event = { ...events[n % events.length]!, key: keyOf(n), postId: String(1_500_000_000_000 + n) };
        keepEvent(store, { ...event, at: 1_764_000_000_000 + 250 * n });
      }
    });
}

export default async function ({ scale }: { scale: number }) {
  const count = Math.round(EVENTS * scale);
  const folder = mkdtempSync(join(tmpdir(), "starling-bench-"));
  const store = openStore(join(folder, "drift.sqlite"), {
    events: EVENTS,
    labels: 100_000,
    waiting: 1000,
    waitingMs: 1e9,
  });
  try {
    const { from, events } = await samples();
    const began = performance.now();
    fill(store, events, count);
    const eventsPerSecond = Math.round(count / ((performance.now() - began) / 1000));
    const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    const megabytes = bytes / 1e6 / scale;
    const random = mulberry32(1);
    const times = Array.from({ length: 2000 }, (_, i) => joinOne(store, Math.floor(random() * count), i)).sort(
      (a, b) => a - b,
    );
    const [p50, p99] = [times[1000]!, times[1980]!];
    console.log(
      `${count} events (${from}), ${eventsPerSecond} kept a second, ${(bytes / count).toFixed(0)} bytes each`,
    );
    console.log(
      `${megabytes.toFixed(0)} MB for ${EVENTS}; join of a label: median ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`,
    );
    const ratio = Math.max(megabytes / wanted.megabytes, p50 / wanted.joinMs);
    return { bench: "drift-store", ratio, megabytes, joinMs: { p50, p99 }, eventsPerSecond, wanted };
  } finally {
    store.close();
    rmSync(folder, { recursive: true });
  }
}

function joinOne(store: Store, event: number, at: number): number {
  const entities = [{ start: 7, end: 20, type: "PER" }];
  const label = { schema: "starling.feedback/1", key: keyOf(event), entities, weight: 1, labelledAt: "" } as const;
  const began = performance.now();
  const result = store.transaction(() => takeLabel(store, label, 1_764_500_000_000 + at, 0));
  const took = performance.now() - began;
  if (!["joined", "replaced", "off_text"].includes(result)) throw new Error(`the label was ${result}`);
  return took;
}
