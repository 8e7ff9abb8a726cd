import type { Mention } from "../facts.ts";
import { runPipeline } from "../flow/run.ts";
import type { OpenStage } from "../flow/types.ts";
import { ok } from "../outcome.ts";
import type { Delivery, Sink, Source } from "../plugin.ts";
import type { EntityEvent } from "../schema/event.ts";
import { givenStages } from "./given.ts";
import type { Labelled } from "./set.ts";
import { type Seen, watched } from "./watched.ts";

/** What the stages said of each post, in UTF-16 units. */
export interface Predictions {
  readonly mentions: readonly (readonly Mention[])[];
  /** Posts that a stage failed on; they count as posts without a prediction. */
  readonly failures: readonly { readonly post: string; readonly reason: string }[];
  /** Posts of which a stage could not do its part. */
  readonly degraded: number;
  /** Version of the model of the last event. */
  readonly model: string;
  /** What the stages knew of each post in the end; undefined where a stage failed on it. */
  readonly seen: readonly (Seen | undefined)[];
}

/** Sends the posts, without their labels, through the stages and the flow that a service runs. */
export async function predict(
  posts: readonly Labelled[],
  stages: readonly OpenStage[],
  signal: AbortSignal,
): Promise<Predictions> {
  const mentions: (readonly Mention[])[] = posts.map(() => []);
  const failures: { post: string; reason: string }[] = [];
  let degraded = 0;
  let model = "none";
  const keep = (index: number, event: EntityEvent): void => {
    mentions[index] = event.entities.map(({ start, end, type }) => ({ start, end, type }));
    if (event.final && event.degraded.length > 0) degraded++;
    model = event.model;
  };
  const sink: Sink = {
    write: async (batch) =>
      batch.map(({ record, origin }) => {
        const index = Number(origin.offset);
        if (record.schema === "starling.entities/1") keep(index, record);
        else failures.push({ post: record.postId ?? String(index), reason: `${record.stage}: ${record.reason}` });
        return ok(undefined);
      }),
  };
  const { stage, seenOf } = watched();
  const all = [...givenStages(posts), ...stages, stage];
  const needed = all.reduce((sum, { flow }) => sum + flow.batch * flow.concurrency, 0);
  const pipeline = { source: sourceOf(posts), sink, deadLetters: sink, stages: all };
  await runPipeline({ ...pipeline, window: Math.max(512, 2 * needed), version: "evaluate" }, { signal });
  signal.throwIfAborted();
  return { mentions, failures, degraded, model, seen: posts.map(({ post }) => seenOf(post)) };
}

const chunk = 256;

function sourceOf(posts: readonly Labelled[]): Source {
  const delivery = ({ post }: Labelled, index: number): Delivery => ({
    post: ok(post),
    origin: {
      lane: "data",
      offset: String(index),
      bytes: () => new TextEncoder().encode(JSON.stringify(post)),
    },
    settle: () => {},
  });
  return {
    async *read(signal) {
      for (let at = 0; at < posts.length && !signal.aborted; at += chunk)
        yield posts.slice(at, at + chunk).map((post, i) => delivery(post, at + i));
    },
  };
}
