import { givenStages } from "../evaluate/given.ts";
import type { Fact } from "../facts.ts";
import { runPipeline } from "../flow/run.ts";
import type { OpenStage } from "../flow/types.ts";
import { tagInput } from "../input.ts";
import { ok } from "../outcome.ts";
import type { Delivery, Sink, Source } from "../plugin.ts";
import type { Post } from "../schema/post.ts";
import type { TagInput } from "../tagger.ts";
import type { Labelled } from "./data.ts";

/** Posts that a stage could not handle, by stage. */
export type Lost = Readonly<Record<string, number>>;

/** What the tagger would read of each post after these stages; a post that a stage diverted is missing and counted. */
export interface Inputs {
  readonly inputs: ReadonlyMap<Post, TagInput>;
  readonly lost: Lost;
}

/**
 * Sends the posts through the stages and the flow that a service runs, ending where its tagger would read them.
 * Throws what a stage throws whose `onFail` is stop.
 */
export async function inputsOf(
  posts: readonly Labelled[],
  stages: readonly OpenStage[],
  signal: AbortSignal,
): Promise<Inputs> {
  const inputs = new Map<Post, TagInput>();
  const lost: Record<string, number> = {};
  const sink: Sink = {
    write: async (batch) =>
      batch.map(({ record }) => {
        if (record.schema === "starling.dead-letter/1") lost[record.stage] = (lost[record.stage] ?? 0) + 1;
        return ok(undefined);
      }),
  };
  const given = givenStages(posts.map((labelled) => ({ ...labelled, gold: [], goldStrict: [] })));
  const all = [...given, ...stages, reading(inputs)];
  const window = Math.max(512, 2 * all.reduce((sum, { flow }) => sum + flow.batch * flow.concurrency, 0));
  const pipeline = { source: sourceOf(posts), sink, deadLetters: sink, stages: all, window, version: "train" };
  await runPipeline(pipeline, { signal });
  signal.throwIfAborted();
  return { inputs, lost };
}

/** Stands in the tagger's place and keeps what it would read. */
const reading = (inputs: Map<Post, TagInput>): OpenStage => ({
  name: "train",
  plugin: { name: "train", needs: [], uses: ["captions", "knowledge"], gives: [] },
  stage: {
    quick(view) {
      inputs.set(view.post, tagInput(view));
      return ok({});
    },
    run: async (batch) => batch.map(() => ok({})),
  },
  flow: { batch: 1, waitMs: 0, concurrency: 1, timeoutMs: 30_000, onFail: "stop" },
});

const chunk = 256;

function sourceOf(posts: readonly Labelled[]): Source {
  const delivery = ({ post }: Labelled, index: number): Delivery => ({
    post: ok(post),
    origin: { lane: "train", offset: String(index), bytes: () => new TextEncoder().encode(JSON.stringify(post)) },
    settle() {},
  });
  return {
    async *read(signal) {
      for (let at = 0; at < posts.length && !signal.aborted; at += chunk)
        yield posts.slice(at, at + chunk).map((post, i) => delivery(post, at + i));
    },
  };
}

interface Ordered {
  readonly plugin: { readonly needs: readonly Fact[]; readonly gives: readonly Fact[] };
}

/**
 * The stages that run before training: those that do not borrow the tagger to be trained, and whose facts such stages
 * give.
 */
export function stagesBefore<S extends Ordered>(stages: readonly S[], borrowsTagger: (stage: S) => boolean): S[] {
  const given = new Set<Fact>();
  return stages.filter((stage) => {
    if (borrowsTagger(stage) || !stage.plugin.needs.every((fact) => given.has(fact))) return false;
    for (const fact of stage.plugin.gives) given.add(fact);
    return true;
  });
}
