import { Fault } from "../errors.ts";
import type { Mention } from "../facts.ts";
import type { OpenStage } from "../flow/types.ts";
import { type BootstrapOptions, folded, type Score, score, seenAndUnseen, type Tally } from "../score/index.ts";
import type { ModelInfo } from "../tagger.ts";
import { type Contexts, contextsOf, type Drafts, draftsOf } from "./drafts.ts";
import { askAll } from "./gate/ask-all.ts";
import { type GateEvaluation, gateEvaluation, refuseWithoutGate } from "./gate/index.ts";
import { predict } from "./predict.ts";
import type { Labelled, LabelledSet } from "./set.ts";
import { inModelTypes } from "./types.ts";

export interface EvaluateOptions {
  readonly stages: readonly OpenStage[];
  /** Whose types and label map hold; absent where no `tagger@1` takes part. */
  readonly model?: Pick<ModelInfo, "types" | "labelMap" | "version" | "precision"> | undefined;
  /** Tells seen from unseen entities. */
  readonly train?: LabelledSet | undefined;
  readonly bootstrap?: BootstrapOptions;
  /** Ask about every post, and compare with asking about some. */
  readonly gate?: boolean;
  readonly signal: AbortSignal;
}

export interface Evaluation {
  readonly data: LabelledSet;
  readonly model: string;
  readonly precision?: ModelInfo["precision"];
  /** What the last taggings were made of. */
  readonly reads: Contexts;
  readonly score: Score;
  /** Against gold without stray `I-` tags. */
  readonly strict: Tally;
  readonly seen?: ReturnType<typeof seenAndUnseen>;
  /** What there was before anything was asked; absent where no stage drafts. */
  readonly drafts?: Drafts;
  readonly gate?: GateEvaluation;
  readonly failed: number;
  readonly degraded: number;
}

/**
 * Exact-span scores of the stages on a data set. Stray `I-` tags of the gold open a mention (`score`); `strict` leaves them out.
 * Throws DATA_TYPES_UNKNOWN, EVALUATE_GATE, and EVALUATE_FAILED where a stage failed on every post.
 */
export async function evaluate(set: LabelledSet, options: EvaluateOptions): Promise<Evaluation> {
  const { model, train, bootstrap, signal } = options;
  if (options.gate) refuseWithoutGate(options.stages);
  const stages = options.gate ? askAll(options.stages) : options.stages;
  // A model without types has not been trained; it says so itself when it is asked.
  const data = model && model.types.length > 0 ? inModelTypes(set, model) : set;
  const said = await predict(data.posts, stages, signal);
  if (said.failures.length === data.posts.length)
    throw new Fault("EVALUATE_FAILED", { file: set.file, posts: data.posts.length, reason: said.failures[0]!.reason });
  const scored = data.posts.map((labelled, i) => ({ ...labelled, predicted: said.mentions[i]! }));
  const strict = score(
    scored.map(({ predicted, goldStrict }) => ({ predicted, gold: goldStrict })),
    { rounds: 1 },
  );
  const drafts = draftsOf(data.posts, said.seen);
  return {
    data,
    model: model?.version ?? said.model,
    ...(model && { precision: model.precision }),
    reads: contextsOf(said.seen.map((facts) => facts?.tagging)),
    score: score(scored, bootstrap),
    strict: strict.micro,
    ...(train && { seen: seenAndUnseen(scored, surfacesOf(train), surfaceOf) }),
    ...(drafts && { drafts }),
    ...(options.gate && {
      gate: gateEvaluation(data, said.seen, { model: model?.version ?? said.model, ...bootstrap }),
    }),
    failed: said.failures.length,
    degraded: said.degraded,
  };
}

const surfaceOf = ({ post }: Pick<Labelled, "post">, { start, end }: Mention): string => post.text.slice(start, end);

const surfacesOf = ({ posts }: LabelledSet): Set<string> =>
  new Set(posts.flatMap((post) => post.gold.map((mention) => folded(surfaceOf(post, mention)))));
