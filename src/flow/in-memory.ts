import { type Outcome, ok } from "../outcome.ts";
import type { Delivery, Output, Sink, Source } from "../plugin.ts";
import type { Post } from "../schema/post.ts";

/** A post of the lane `memory`, for tests and benches; `settled` sees it settle. */
export function delivered(post: Outcome<Post>, index: number, settled: (index: number) => void = () => {}): Delivery {
  const bytes = () => Buffer.from(post.kind === "ok" ? JSON.stringify(post.value) : "");
  return { post, origin: { lane: "memory", offset: String(index), bytes }, settle: () => settled(index) };
}

export const postOf = (index: number): Outcome<Post> =>
  ok({ id: `p${index}`, text: `Ada Lovelace met post ${index} in London` });

/** Yields what it is given, chunk by chunk, until it is aborted. */
export const memorySource = (chunks: Iterable<readonly Delivery[]>): Source => ({
  async *read(signal) {
    for (const chunk of chunks) {
      if (signal.aborted) return;
      yield chunk;
    }
  },
});

/** Keeps what is written; `judge` may refuse a record, or throw. */
export function memorySink(judge: (output: Output) => Outcome<void> | Promise<Outcome<void>> = () => ok(undefined)) {
  const written: Output[] = [];
  const sink: Sink = {
    async write(batch) {
      const outcomes = await Promise.all(batch.map(judge));
      written.push(...batch.filter((_, i) => outcomes[i]!.kind !== "fail"));
      return outcomes;
    },
  };
  return { sink, written, records: () => written.map(({ record }) => record) };
}
