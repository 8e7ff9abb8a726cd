import { type ChatMessage, type ChatRequest, type Demonstration, parseAnswer } from "starling-ner";
import { boundaryOf, markData, withoutRepost } from "./mark-data.ts";
import type { Options } from "./options.ts";
import type { Prompt } from "./prompt.ts";

/** What is asked of one post. */
export interface Subject {
  readonly text: string;
  readonly captions: readonly string[];
}

/** What a model reads of a subject: marked, cut, and without what a repost has of its own. */
export interface Shown {
  readonly text: string;
  readonly captions: readonly string[];
}

const MAX_CAPTIONS = 4;
const MAX_CAPTION = 300;

/** Strict, as OpenAI wants it: every property required and no other. */
const schema = {
  type: "object",
  properties: {
    entities: {
      type: "array",
      items: {
        type: "object",
        properties: { name: { type: "string" }, type: { type: "string" } },
        required: ["name", "type"],
        additionalProperties: false,
      },
    },
    reasoning: { type: "string" },
    image_relevant: { type: "boolean" },
  },
  required: ["entities", "reasoning", "image_relevant"],
  additionalProperties: false,
};

interface Made {
  readonly head: ChatMessage;
  readonly turns: Map<Demonstration, readonly ChatMessage[]>;
}
/** What is made once for each prompt: its head, and the turns of a bank's demonstrations, which come again and again. */
const made = new WeakMap<Prompt, Made>();

function madeOf(prompt: Prompt): Made {
  const known = made.get(prompt);
  if (known) return known;
  const fresh: Made = { head: { role: "system", text: prompt.head }, turns: new Map() };
  made.set(prompt, fresh);
  return fresh;
}

function turnsOf(example: Demonstration, prompt: Prompt, maxText: number): readonly ChatMessage[] {
  const { turns } = madeOf(prompt);
  const known = turns.get(example);
  if (known) return known;
  const pair: readonly ChatMessage[] = [
    { role: "user", text: question(shownOf(subjectOf(example), maxText), prompt) },
    { role: "assistant", text: prompt.structured ? structuredAnswer(example) : example.answer },
  ];
  turns.set(example, pair);
  return pair;
}

/** Head, examples from the least to the most similar as turns of a conversation, and the post with an answer to come. */
export function requestOf(
  shown: Shown,
  examples: readonly Demonstration[],
  prompt: Prompt,
  { maxTokens, maxText }: Pick<Options, "maxTokens" | "maxText">,
): Pick<ChatRequest, "messages" | "maxTokens" | "temperature" | "schema"> {
  const turns = examples.toReversed().flatMap((example) => turnsOf(example, prompt, maxText));
  const messages: ChatMessage[] = [madeOf(prompt).head, ...turns, { role: "user", text: question(shown, prompt) }];
  return {
    messages,
    maxTokens,
    temperature: 0,
    ...(prompt.structured && { schema: { name: "named_entities", schema } }),
  };
}

const subjectOf = ({ text, caption }: Demonstration): Subject => ({
  text,
  captions: caption === undefined ? [] : [caption],
});

export const shownOf = ({ text, captions }: Subject, maxText: number): Shown => ({
  text: markData(withoutRepost(text), maxText),
  captions: captions.slice(0, MAX_CAPTIONS).map((caption) => markData(caption, MAX_CAPTION)),
});

function question({ text, captions }: Shown, prompt: Prompt): string {
  const mark = boundaryOf(prompt.version, [text, ...captions]);
  const told = captions.map((caption) => `<image-${mark}>${caption}</image-${mark}>`).join(" ") || "none";
  const values: Readonly<Record<string, string>> = { mark, text, captions: told };
  return prompt.question.replace(/\{\{(mark|text|captions)\}\}/g, (_, name: string) => values[name]!);
}

/** What a person answered in the free layout, as the schema has it. */
function structuredAnswer({ answer, entities, caption }: Demonstration): string {
  const read = parseAnswer(answer);
  const reasoning = read?.reasoning ?? answer;
  return JSON.stringify({
    entities: (read?.entities ?? entities).map(({ text, type }) => ({ name: text, type })),
    reasoning,
    image_relevant:
      caption !== undefined && !/nothing to do|unrelated|not (?:\w+ )?related|no help|does not help/i.test(reasoning),
  });
}
