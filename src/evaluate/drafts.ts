import type { Context, Tagging } from "../facts.ts";
import { sum, type Tally, tallyOf } from "../score/index.ts";
import { inText } from "./in-text.ts";
import type { Labelled } from "./set.ts";
import type { Seen } from "./watched.ts";

/** Posts by what their tagging was made of. */
export type Contexts = Readonly<Partial<Record<Context, number>>>;

/** The drafts' score, with what they were made of. */
export interface Drafts {
  readonly micro: Tally;
  readonly of: Contexts;
}

/** Undefined where no post was drafted; a post without a draft counts as one without a prediction. */
export function draftsOf(posts: readonly Labelled[], seen: readonly (Seen | undefined)[]): Drafts | undefined {
  const drafts = seen.map((facts) => facts?.draft);
  if (drafts.every((draft) => draft === undefined)) return undefined;
  const micro = sum(posts.map(({ post, gold }, i) => tallyOf(inText(post, drafts[i]?.mentions ?? []), gold)));
  return { micro, of: contextsOf(drafts) };
}

export function contextsOf(taggings: readonly (Tagging | undefined)[]): Contexts {
  const of: Partial<Record<Context, number>> = {};
  for (const tagging of taggings) if (tagging) of[tagging.context] = (of[tagging.context] ?? 0) + 1;
  return of;
}
