import { givenStages } from "../evaluate/given.ts";
import type { Knowledge } from "../facts.ts";
import { runPipeline } from "../flow/run.ts";
import type { OpenStage, RunSummary } from "../flow/types.ts";
import { ok } from "../outcome.ts";
import type { Delivery, Sink, Source, View } from "../plugin.ts";
import type { Post } from "../schema/post.ts";
import type { CorpusPost } from "./corpus.ts";
import type { RecordFile } from "./output.ts";
import { waitOf } from "./waiting.ts";

/** Writes the knowledge of each batch down, and tells of which posts. */
export const writing = (output: RecordFile, heard: (written: readonly Post[]) => void): OpenStage => ({
  name: "record",
  plugin: { name: "record", needs: [], uses: ["knowledge"], gives: [] },
  stage: {
    async run(batch: readonly View<never, "knowledge">[]) {
      const answers = batch.flatMap(({ post, facts: { knowledge } }): { post: typeof post; knowledge: Knowledge }[] =>
        knowledge === undefined ? [] : [{ post, knowledge }],
      );
      await output.add(answers);
      heard(answers.map(({ post }) => post));
      return batch.map(() => ok({}));
    },
  },
  flow: { batch: 64, waitMs: 50, concurrency: 1, timeoutMs: 60_000, onFail: "stop" },
});

/** Sends posts through stages once; `waiting` are those that are to come again. */
export async function through(
  given: readonly CorpusPost[],
  stages: readonly OpenStage[],
  signal: AbortSignal,
): Promise<{ readonly summary: RunSummary; readonly waiting: readonly CorpusPost[] }> {
  const sink: Sink = { write: async (batch) => batch.map(() => ok(undefined)) };
  // New objects: stages may remember a post, such as when it came, and it comes again with each run.
  const posts = given.map((one) => ({ ...one, post: { ...one.post } }));
  const captioned = givenStages(posts.map((one) => ({ ...one, knowledge: "", gold: [], goldStrict: [] })));
  const all = [...captioned, ...stages];
  // No more than the stages hold: a post's deadline runs while it waits in a queue.
  const window = all.reduce((sum, { flow }) => sum + flow.batch * flow.concurrency, 0);
  const pipeline = { source: sourceOf(posts), sink, deadLetters: sink, stages: all, window, version: "record" };
  const summary = await runPipeline(pipeline, { signal });
  return { summary, waiting: given.filter((_, i) => waitOf(posts[i]!.post) === "waiting") };
}

const CHUNK = 64;

function sourceOf(posts: readonly CorpusPost[]): Source {
  const delivery = ({ post }: CorpusPost, index: number): Delivery => ({
    post: ok(post),
    origin: { lane: "corpus", offset: String(index), bytes: () => Buffer.from(JSON.stringify(post)) },
    settle() {},
  });
  return {
    async *read(signal) {
      for (let at = 0; at < posts.length && !signal.aborted; at += CHUNK)
        yield posts.slice(at, at + CHUNK).map((post, i) => delivery(post, at + i));
    },
  };
}
