import { Fault } from "../../errors.ts";
import type { Mention } from "../../facts.ts";
import { type Asked, doubtOf } from "../../gate/index.ts";
import { tallyOf } from "../../score/index.ts";
import { inText } from "../in-text.ts";
import type { Labelled } from "../set.ts";
import type { Seen } from "../watched.ts";

/** Posts before and after asking; those that a stage failed on stay out. */
export function askedPosts(posts: readonly Labelled[], seen: readonly (Seen | undefined)[]): Asked[] {
  return posts.flatMap(({ post, gold }, i): Asked[] => {
    const { draft, tagging } = seen[i] ?? {};
    if (draft === undefined || tagging === undefined) return [];
    const of = ({ mentions }: { readonly mentions: readonly Mention[] }) => tallyOf(inText(post, mentions), gold);
    return [{ doubt: doubtOf(draft), draft: of(draft), final: of(tagging) }];
  });
}

/** Throws EVALUATE_GATE where there is nothing to compare. */
export function refuseWithoutGate(stages: readonly { readonly plugin: { readonly gives: readonly string[] } }[]): void {
  for (const fact of ["draft", "ask", "tagging"])
    if (!stages.some(({ plugin }) => plugin.gives.includes(fact))) throw new Fault("EVALUATE_GATE", { fact });
}
