import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export const topics = { posts: "posts", entities: "entities", letters: "posts-dead" } as const;
export const GROUP = "chaos";

export interface WorkerSettings {
  readonly brokers: readonly string[];
  readonly delivery: "at-least-once" | "exactly-once";
  /** Posts in flight in one worker, at most. */
  readonly window: number;
  readonly sessionMs: number;
  /** How often offsets are committed; what was settled since comes again after a crash. */
  readonly commitMs?: number;
  /** The real model instead of a tagger that looks for capitals. */
  readonly tagger: boolean;
  /** Options of the unsteady stage; null leaves it out. */
  readonly unsteady: Readonly<Record<string, unknown>> | null;
  /** Settings of the core beside that stage. */
  readonly flow?: Readonly<Record<string, unknown>>;
}

/** A worker's config; JSON is YAML too. */
export function workerConfig(settings: WorkerSettings): string {
  const { brokers, delivery, window, sessionMs, tagger, unsteady, flow, commitMs = 200 } = settings;
  const stages = [
    { use: "draft", batch: 16, waitMs: 2, concurrency: 1 },
    ...(delivery === "at-least-once" ? [{ use: at("plugins/asking.ts"), batch: 16, waitMs: 2, concurrency: 1 }] : []),
    ...(unsteady
      ? [{ use: at("plugins/unsteady.ts"), batch: 8, waitMs: 2, concurrency: 8, ...flow, options: unsteady }]
      : []),
    { use: "final", batch: 16, waitMs: 2, concurrency: 1 },
  ];
  const sink = (topic: string) => ({ use: "sink-kafka", options: { client: "broker", topic } });
  const config = {
    window,
    delivery,
    resources: {
      broker: { use: "log-kafkajs", options: { brokers, clientId: "starling" } },
      tagger: tagger
        ? { use: "tagger-onnx", options: { model: join(root, "models/default"), processes: 1 } }
        : { use: join(root, "test/fixtures/plugins/tiny-tagger.ts") },
    },
    source: {
      use: "source-kafka",
      options: {
        client: "broker",
        topics: [topics.posts],
        group: GROUP,
        from: "earliest",
        sessionMs,
        commitMs,
        retry: { backoffMs: 20 },
      },
    },
    stages,
    sink: sink(topics.entities),
    deadLetters: sink(topics.letters),
  };
  return JSON.stringify(config, null, 2);
}

const at = (path: string) => join(import.meta.dirname, path);
