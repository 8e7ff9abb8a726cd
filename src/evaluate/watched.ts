import type { Facts } from "../facts.ts";
import type { OpenStage } from "../flow/types.ts";
import { ok } from "../outcome.ts";
import type { Post } from "../schema/post.ts";

export type Seen = Partial<Pick<Facts, "draft" | "ask" | "tagging">>;

/** A last stage that adds nothing and remembers what the others found. */
export function watched(): { readonly stage: OpenStage; seenOf(post: Post): Seen | undefined } {
  const seen = new Map<Post, Seen>();
  const uses = ["draft", "ask", "tagging"] as const;
  const note: OpenStage["stage"]["quick"] = ({ post, facts }) => {
    seen.set(post, facts);
    return ok({});
  };
  return {
    stage: {
      name: "evaluate",
      plugin: { name: "evaluate", needs: [], uses, gives: [] },
      stage: { quick: note, run: async (batch) => batch.map((view) => note(view)!) },
      flow: { batch: 1, waitMs: 0, concurrency: 1, timeoutMs: 30_000, onFail: "stop" },
    },
    seenOf: (post) => seen.get(post),
  };
}
