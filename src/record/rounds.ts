import type { CorpusPost } from "./corpus.ts";
import type { RecordFile } from "./output.ts";
import type { Questions } from "./questions.ts";

interface Rounds {
  readonly posts: readonly CorpusPost[];
  readonly output: Pick<RecordFile, "has">;
  readonly questions: Pick<Questions, "waiting" | "arrivals" | "answer" | "close">;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/**
 * Runs until no question waits: one round puts the questions down, the one after each batch writes the answers. Where a stop
 * leaves answers unwritten, a last round writes them, and sends nothing.
 */
export async function inRounds<T>(
  once: (posts: readonly CorpusPost[], signal: AbortSignal) => Promise<T>,
  { posts, output, questions, signal, say }: Rounds,
): Promise<T> {
  const rest = () => posts.filter(({ post }) => !output.has(post));
  for (let read = 0; ; ) {
    const { arrivals } = questions;
    const summary = await once(rest(), signal);
    if (!signal.aborted) {
      read = arrivals;
      if (!questions.waiting) return summary;
      await questions.answer(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
    if (!signal.aborted) continue;
    if (questions.arrivals === read) return summary;
    say("writing down the answers that have come; a second signal ends at once, and they wait for the next start");
    questions.close();
    return once(rest(), new AbortController().signal);
  }
}
