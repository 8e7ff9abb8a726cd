import { postOf, readCorpus } from "../conll/index.ts";
import type { Labelled } from "../evaluate/set.ts";
import { createHost, type Log } from "../host.ts";
import type { Plan } from "../plan.ts";
import type { Post } from "../schema/post.ts";

/** A post of the corpus, with the captions that come beside it. */
export type CorpusPost = Pick<Labelled, "post" | "captions">;

export const isConll = (file: string): boolean => !/\.(?:ndjson|jsonl)(?:\.gz)?$/i.test(file);

/** Posts of a CoNLL file, each with its words' bounds, without its labels. */
export async function conllPosts(path: string, captions: string | undefined): Promise<readonly CorpusPost[]> {
  const { samples } = await readCorpus({ path, captions });
  return samples.map((sample) => {
    const { labels: _, ...post } = postOf(sample);
    return { post, captions: sample.captions };
  });
}

/** Posts of the plan's source, read to its end; `unreadable` says of each line that is none why. */
export async function sourcePosts(
  { source, text }: Plan,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly posts: readonly CorpusPost[]; readonly unreadable: readonly Error[] }> {
  const { plugin, options } = source!;
  const host = createHost({ plugin: plugin.name, folder: text.folder, resources: new Map(), log, count() {} });
  const opened = await plugin.open(options, host);
  const posts: Post[] = [];
  const unreadable: Error[] = [];
  try {
    for await (const deliveries of opened.read(signal))
      for (const { post } of deliveries)
        if (post.kind === "ok") posts.push(post.value);
        else if (post.kind === "fail") unreadable.push(post.error);
  } finally {
    await opened.close?.();
  }
  return { posts: posts.map((post) => ({ post, captions: [] })), unreadable };
}
