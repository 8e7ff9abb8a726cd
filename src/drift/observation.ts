import type { EntityEvent } from "../schema/event.ts";
import { tallyOf } from "../score/index.ts";
import { isCapitals } from "../train/profile.ts";

export interface SeenEntity {
  /** UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly type: string;
  /** 0 to 1, kept to a 250th. */
  readonly confidence: number;
  readonly words: number;
  /** Written in capitals alone. */
  readonly capitals: boolean;
}

/** How far two lists agree: entries of both, of the first, of the second. They add. */
export interface Agreement {
  readonly both: number;
  readonly first: number;
  readonly second: number;
}

/** What drift keeps of an event: numbers, no text. */
export interface Observation {
  readonly key: string;
  readonly postId: string;
  readonly model: string;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly entities: readonly SeenEntity[];
  readonly expected: { readonly correct: number; readonly gold: number } | undefined;
  /** What the model read, in numbers; absent in events that were written before they told. */
  readonly input: EntityEvent["input"];
  readonly captionCharacters: number;
  /** Entities with the names of the knowledge that stand in the post, by their spelling alone; undefined without knowledge. */
  readonly llm: Agreement | undefined;
}

type Used = "key" | "postId" | "model" | "revision" | "expected" | "input" | "knowledge" | "entities";

/** An event, or as much of it as is used here. */
export type SaidEvent = Pick<EntityEvent, Used> & { readonly captions: readonly { readonly text: string }[] };

export function observe(event: SaidEvent, at: number): Observation {
  const { key, postId, model, revision, expected, input, captions } = event;
  return {
    key,
    postId,
    model,
    revision,
    at,
    entities: event.entities.map(({ text, start, end, type, confidence, words }) => ({
      start,
      end,
      type,
      confidence,
      words: words.end - words.start,
      capitals: isCapitals(text),
    })),
    expected,
    input,
    captionCharacters: captions.map(({ text }) => text).join(" ").length,
    llm: llmAgreement(event),
  };
}

/** Types are left out: the LLM's are words of its own. */
function llmAgreement({ knowledge, entities }: Pick<EntityEvent, "knowledge" | "entities">): Agreement | undefined {
  if (knowledge === null) return undefined;
  const listed = new Set(knowledge.names.filter(({ inPost }) => inPost).map(({ text }) => text.toLowerCase()));
  const found = new Set(entities.map(({ text }) => text.toLowerCase()));
  return { both: [...found].filter((text) => listed.has(text)).length, first: found.size, second: listed.size };
}

/** The draft's entities, and those of the event that replaced it. */
export function draftAgreement(draft: readonly SeenEntity[], final: readonly SeenEntity[]): Agreement {
  const { correct, predicted, gold } = tallyOf(draft, final);
  return { both: correct, first: predicted, second: gold };
}

/** 1 less the F1 of one list against the other: 0 where they are equal, 1 where they share nothing. */
export const disagreement = ({ both, first, second }: Agreement): number =>
  first + second > 0 ? 1 - (2 * both) / (first + second) : 0;
