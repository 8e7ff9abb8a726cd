import assert from "node:assert/strict";
import type { z } from "zod";
import type { Context } from "../facts.ts";
import { type Outcome, ok } from "../outcome.ts";
import type { ResourcePlugin } from "../plugin.ts";
import { type Tagged, type Tagger, type TagInput, tagger as taggerPort } from "../tagger.ts";
import { type AnyClause, anyClauses, type Fresh, fresh, whileOpen } from "./any.ts";
import { assertClose } from "./close-to.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type TaggerClause =
  | AnyClause
  | "fills tagger@1 and describes its model"
  | "answers no inputs with nothing"
  | "answers a batch as it answers its inputs one by one"
  | "keeps mentions inside the words, in order and apart"
  | "gives confidences and expected counts in range"
  | "gives a feature of length one, of the same model and context"
  | "says the same without features"
  | "says what it read"
  | "answers an input without words"
  | "answers a text of two thousand words"
  | "leaves its input as it was"
  | "keeps calls apart that run at once"
  | "stops within a second of being aborted";

export interface TaggerSuite<O extends z.ZodType> extends Suite<TaggerClause> {
  readonly plugin: ResourcePlugin<Tagger, O>;
  readonly options: Fresh<z.input<O>>;
  /** Two inputs or more, of different lengths, the first with a word or more. */
  readonly inputs: readonly TagInput[];
}

/** The contract of whatever fills `tagger@1`. */
export function testTagger<O extends z.ZodType>(suite: TaggerSuite<O>): void {
  const { plugin, inputs } = suite;
  const host = testHost(suite.lend);
  // Taken now: another clause may already have let the tagger at the inputs.
  const before = structuredClone(inputs);
  const live = new AbortController().signal;
  const opened = (use: (tagger: Tagger) => Promise<void>) => async () =>
    whileOpen(plugin, await fresh(suite.options), host, use);
  /** Checks the answer to each input, and to the first one with captions and knowledge added. */
  const eachAnswer = (check: (input: TagInput, tagged: Tagged, tagger: Tagger) => void) =>
    opened(async (tagger) => {
      const asked = [...inputs, ...withContexts(inputs)];
      const tagged = values(await tagger.tag(asked, live));
      assert.equal(tagged.length, asked.length, "one outcome for each input");
      for (const [i, input] of asked.entries()) check(input, tagged[i]!, tagger);
    });

  register(plugin.name, suite, {
    ...anyClauses(plugin, suite.options, host),
    "fills tagger@1 and describes its model": opened(async ({ model }) => {
      assert.equal(plugin.fills.name, taggerPort.name);
      assert.ok(model.version.length > 0 && model.provider.length > 0, "version and provider are named");
      assert.equal(new Set(model.types).size, model.types.length, "types are distinct");
      for (const to of Object.values(model.labelMap)) assert.ok(model.types.includes(to), `labelMap leads to "${to}"`);
    }),
    "answers no inputs with nothing": opened(async (tagger) => {
      assert.deepEqual(await tagger.tag([], live), []);
    }),
    "answers a batch as it answers its inputs one by one": opened(async (tagger) => {
      assert.ok(inputs.length >= 2, "give two inputs or more");
      const alone: Outcome<Tagged>[] = [];
      for (const input of inputs) alone.push(...(await tagger.tag([input], live)));
      assertClose(await tagger.tag(inputs, live), alone, "outcome");
    }),
    "keeps mentions inside the words, in order and apart": eachAnswer(({ words }, { tagging }, { model }) => {
      let free = 0;
      for (const { start, end, type } of tagging.mentions) {
        assert.ok(
          free <= start && start < end && end <= words.length,
          `mention [${start}, ${end}) of ${words.length} words`,
        );
        assert.ok(model.types.includes(type), `type ${type} is one of the model's`);
        free = end;
      }
    }),
    "gives confidences and expected counts in range": eachAnswer(({ words }, { tagging }) => {
      const { correct, gold } = tagging.expected;
      for (const { confidence } of tagging.mentions)
        assert.ok(confidence >= 0 && confidence <= 1, `confidence ${confidence}`);
      assert.ok(correct >= 0 && correct <= tagging.mentions.length + 1e-6, `expected correct ${correct}`);
      assert.ok(gold >= 0 && gold <= words.length, `expected gold ${gold}`);
    }),
    "gives a feature of length one, of the same model and context": eachAnswer(
      (_input, { tagging, feature }, { model }) => {
        const norm = Math.hypot(...feature.vector);
        assert.ok(Math.abs(norm - 1) < 1e-3, `length ${norm}`);
        assert.deepEqual([feature.of, feature.model], [tagging.context, tagging.model]);
        assert.equal(tagging.model, model.version);
      },
    ),
    "says the same without features": opened(async (tagger) => {
      if (tagger.taggings === undefined) return;
      assert.deepEqual(await tagger.taggings([], live), []);
      const asked = [...inputs, ...withContexts(inputs)];
      const taggings = values(await tagger.tag(asked, live)).map(({ tagging }) => ok(tagging));
      assertClose(await tagger.taggings(asked, live), taggings, "outcome");
    }),
    "says what it read": eachAnswer((input, { tagging }) => {
      assert.equal(tagging.context, contextOf(input));
    }),
    "answers an input without words": opened(async (tagger) => {
      const [outcome] = await tagger.tag([{ words: [], captions: [], knowledge: "" }], live);
      assert.equal(outcome?.kind, "ok");
      assert.deepEqual(outcome?.kind === "ok" && outcome.value.tagging.mentions, []);
    }),
    "answers a text of two thousand words": opened(async (tagger) => {
      const words = Array.from({ length: 2000 }, (_, i) => inputs[0]!.words[i % inputs[0]!.words.length]!);
      const [outcome] = await tagger.tag([{ words, captions: [], knowledge: "" }], live);
      assert.equal(outcome?.kind, "ok");
    }),
    "leaves its input as it was": opened(async (tagger) => {
      const given = structuredClone(before);
      await tagger.tag(given, live);
      assert.deepEqual(given, before);
    }),
    "keeps calls apart that run at once": opened(async (tagger) => {
      const [there, back] = await Promise.all([tagger.tag(inputs, live), tagger.tag(inputs.toReversed(), live)]);
      assertClose(there, back.toReversed(), "outcome");
    }),
    "stops within a second of being aborted": opened(async (tagger) => {
      const stop = new AbortController();
      const running = tagger.tag(inputs, stop.signal);
      stop.abort();
      await endsSoon(running, "tag()");
      await endsSoon(tagger.tag(inputs, AbortSignal.abort()), "tag() with a signal aborted before");
    }),
  });
}

const contextOf = ({ captions, knowledge }: TagInput): Context =>
  `text${captions.length > 0 ? "+captions" : ""}${knowledge ? "+knowledge" : ""}` as Context;

function withContexts([first]: readonly TagInput[]): TagInput[] {
  assert.ok(first && first.words.length > 0, "the first input has words");
  const captions = ["a man on a stage"];
  const knowledge = "The post names a singer.";
  return [
    { ...first, captions: [], knowledge: "" },
    { ...first, captions, knowledge: "" },
    { ...first, captions: [], knowledge },
    { ...first, captions, knowledge },
  ];
}

const values = (outcomes: readonly Outcome<Tagged>[]): Tagged[] =>
  outcomes.map((outcome) => (outcome.kind === "ok" ? outcome.value : assert.fail(JSON.stringify(outcome))));
