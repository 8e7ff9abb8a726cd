import type { Ask, Fact, Facts, ScoredMention, Tagging, Word } from "./facts.ts";
import type { Origin } from "./plugin.ts";
import type { Entity, EntityEvent } from "./schema/event.ts";
import type { Post } from "./schema/post.ts";
import { codePointOffsets } from "./tokens/code-points.ts";
import { wordsOf } from "./tokens/index.ts";

/** All that the stages said of a post, ready to be written. */
export interface Enriched {
  readonly post: Post;
  readonly origin: Origin;
  readonly facts: Partial<Facts>;
  readonly passed: EntityEvent["passed"];
  readonly degraded: EntityEvent["degraded"];
  /** Milliseconds. */
  readonly timings: EntityEvent["timings"];
}

export interface Version {
  readonly revision: 0 | 1;
  readonly final: boolean;
  /** Version of the pipeline, part of the key. */
  readonly pipeline: string;
}

/** The same record of the input, through the same pipeline, has the same key; offset and version hold no colon. */
export const keyOf = ({ lane, offset }: Origin, pipeline: string): string => `${lane}:${offset}:${pipeline}`;

const none: readonly never[] = Object.freeze([]);

/** The event of a post: of the tagging where there is one, else of the draft, else one without entities. */
export function toEvent(enriched: Enriched, { revision, final, pipeline }: Version): EntityEvent {
  const { post, origin, facts } = enriched;
  const tagging = facts.tagging ?? facts.draft;
  return {
    schema: "starling.entities/1",
    key: keyOf(origin, pipeline),
    postId: post.id,
    revision,
    final,
    model: tagging?.model ?? "none",
    entities: tagging === undefined || tagging.mentions.length === 0 ? none : entitiesOf(post, tagging.mentions),
    ...(tagging && { expected: expectedOf(tagging), input: inputOf(post, facts, tagging) }),
    ...(facts.ask && { ask: askOf(facts.ask) }),
    captions:
      facts.captions === undefined ? none : facts.captions.map(({ image, text, source }) => ({ image, text, source })),
    knowledge: knowledgeOf(facts),
    passed: enriched.passed,
    degraded: enriched.degraded,
    timings: enriched.timings,
  };
}

const askOf = ({ yes, gain, reason }: Ask) => ({ yes, gain, reason });
const expectedOf = ({ expected: { correct, gold } }: Tagging) => ({ correct, gold });

const inputOf = (post: Post, { knowledge }: Partial<Facts>, { novelty }: Tagging): EntityEvent["input"] => ({
  characters: post.text.length,
  words: wordsOf(post).length,
  language: post.language ?? "und",
  images: post.images?.length ?? 0,
  knowledgeCharacters: knowledge?.text.length ?? 0,
  ...(novelty && { novelty: { words: novelty.words, unknown: novelty.unknown } }),
});

function entitiesOf(post: Post, mentions: readonly ScoredMention[]): Entity[] {
  const words = wordsOf(post);
  const inOrder = mentions.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const bounds = inOrder.flatMap((mention) => charactersOf(words, mention));
  const points = codePointsAt(post.text, bounds);
  return inOrder.map(({ type, start, end, confidence }, i) => ({
    text: post.text.slice(bounds[2 * i]!, bounds[2 * i + 1]!),
    type,
    start: bounds[2 * i]!,
    end: bounds[2 * i + 1]!,
    codePoints: { start: points[2 * i]!, end: points[2 * i + 1]! },
    words: { start, end },
    confidence,
  }));
}

/** `[start, end)` of a mention in UTF-16 units. */
const charactersOf = (words: readonly Word[], { start, end }: ScoredMention): [number, number] => {
  const first = words[start];
  const last = words[end - 1];
  if (first === undefined || last === undefined || end <= start)
    throw new RangeError(`mention of words [${start}, ${end}) in a post of ${words.length} words`);
  return [first.start, last.end];
};

/** `codePointOffsets` wants rising offsets; mentions of other stages may overlap. */
function codePointsAt(text: string, bounds: readonly number[]): number[] {
  const rising = [...new Set(bounds)].sort((a, b) => a - b);
  const points = codePointOffsets(text, rising);
  const at = new Map(rising.map((bound, i) => [bound, points[i]!]));
  return bounds.map((bound) => at.get(bound)!);
}

function knowledgeOf({ knowledge, neighbours = [] }: Partial<Pick<Facts, Fact>>): EntityEvent["knowledge"] {
  if (knowledge === undefined) return null;
  return {
    source: knowledge.source,
    usd: knowledge.usd,
    neighbours: neighbours.map(({ id }) => id),
    names: knowledge.names.map(({ text, type, inPost }) => ({ text, type, inPost })),
  };
}
