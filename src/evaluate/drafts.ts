import type { Context } from "../facts.ts";
import { sum, type Tally, tallyOf } from "../score/index.ts";
import { inText } from "./in-text.ts";
import type { Labelled } from "./set.ts";
import type { Seen } from "./watched.ts";

/** The drafts' score, with what they were made of. */
export interface Drafts {
  readonly micro: Tally;
  /** Posts by what their draft was made of. */
  readonly of: Readonly<Partial<Record<Context, number>>>;
}

/** Undefined where no post was drafted; a post without a draft counts as one without a prediction. */
export function draftsOf(posts: readonly Labelled[], seen: readonly (Seen | undefined)[]): Drafts | undefined {
  const drafts = seen.map((facts) => facts?.draft);
  if (drafts.every((draft) => draft === undefined)) return undefined;
  const of: Partial<Record<Context, number>> = {};
  for (const draft of drafts) if (draft) of[draft.context] = (of[draft.context] ?? 0) + 1;
  const micro = sum(posts.map(({ post, gold }, i) => tallyOf(inText(post, drafts[i]?.mentions ?? []), gold)));
  return { micro, of };
}
