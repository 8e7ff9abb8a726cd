import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { tinyTagger } from "../../test/fixtures/plugins/tiny-tagger.ts";
import { fail, type Outcome } from "../outcome.ts";
import { definePort, defineResource, type ResourcePlugin } from "../plugin.ts";
import { tagger as port, type Tagged, type Tagger, type TagInput } from "../tagger.ts";
import { brokenClauses } from "./broken-clauses.test-help.ts";
import type { Test } from "./suite.ts";
import { type TaggerClause, testTagger } from "./tagger.ts";

type Mine = ResourcePlugin<Tagger, z.ZodType>;
const pluginOf = (open: () => Tagger & { close?(): Promise<void> }, change: object = {}): Mine => ({
  ...defineResource({ name: "tiny", about: "x", options: z.strictObject({}), fills: port, open: async () => open() }),
  ...change,
});
const good = (): Tagger => ({ ...tinyTagger });
const input = (...words: string[]): TagInput => ({ words, captions: [], knowledge: "" });
const inputs = [input("Adele", "sings"), input("nothing"), input("In", "New", "York")];
const suite = (plugin: Mine) => (test: Test) => testTagger({ test, plugin, options: {}, inputs });

/** A tagger whose good answers are changed. */
const changed = (change: (tagged: Tagged, input: TagInput) => Tagged) =>
  pluginOf(() => ({
    ...tinyTagger,
    tag: async (batch, signal) =>
      (await tinyTagger.tag(batch, signal)).map((outcome, i) =>
        outcome.kind === "ok" ? { kind: "ok", value: change(outcome.value, batch[i]!) } : outcome,
      ),
  }));
const tagging = (change: (tagged: Tagged) => object) =>
  changed((tagged) => ({ ...tagged, tagging: { ...tagged.tagging, ...change(tagged) } }));
const asked = (tag: (batch: readonly TagInput[], signal: AbortSignal) => Promise<readonly Outcome<Tagged>[]>) =>
  pluginOf(() => ({ ...tinyTagger, tag }));

const shared = good();
let turn = 0;
const mutants: Record<TaggerClause, Mine> = {
  "declares itself": pluginOf(good, { about: "" }),
  "refuses an option it does not know": pluginOf(good, { options: z.looseObject({}) }),
  "checks what it opens, and finds nothing wrong": pluginOf(good, {
    check: async () => [{ option: [], error: new Error("not here") }],
  }),
  "may be closed twice": pluginOf(() => {
    let open = 1;
    return { ...good(), close: async () => (open-- > 0 ? undefined : Promise.reject(new Error("closed before"))) };
  }),
  "opens twice, side by side": pluginOf(() => shared),
  "fills tagger@1 and describes its model": pluginOf(good, { fills: definePort("tagger@0") }),
  "answers no inputs with nothing": asked(async (batch, signal) =>
    tinyTagger.tag(batch.length ? batch : inputs, signal),
  ),
  "answers a batch as it answers its inputs one by one": asked(async (batch, signal) =>
    (await tinyTagger.tag(batch, signal)).toReversed(),
  ),
  "keeps mentions inside the words, in order and apart": tagging(({ tagging: { mentions } }) => ({
    mentions: mentions.map((mention) => ({ ...mention, end: mention.end + 9 })),
  })),
  "gives confidences and expected counts in range": tagging(() => ({ expected: { correct: 7, gold: -1 } })),
  "gives a feature of length one, of the same model and context": changed((tagged) => ({
    ...tagged,
    feature: { ...tagged.feature, vector: Float32Array.of(1, 1) },
  })),
  "says the same without features": pluginOf(() => ({
    ...tinyTagger,
    taggings: async (batch) => batch.map(() => fail(new Error("not without"))),
  })),
  "says what it read": changed(({ tagging, feature }) => ({
    tagging: { ...tagging, context: "text" },
    feature: { ...feature, of: "text" },
  })),
  "answers an input without words": asked(async (batch, signal) => {
    if (batch.some(({ words }) => words.length === 0)) throw new Error("no words");
    return tinyTagger.tag(batch, signal);
  }),
  "answers a text of two thousand words": asked(async (batch, signal) => {
    if (batch.some(({ words }) => words.length > 512)) throw new Error("too long");
    return tinyTagger.tag(batch, signal);
  }),
  "leaves its input as it was": asked(async (batch, signal) => {
    for (const { words } of batch) (words as string[]).sort().reverse();
    return tinyTagger.tag(batch, signal);
  }),
  "keeps calls apart that run at once": asked(async (batch, signal) => {
    const mine = ++turn;
    await sleep(5);
    return tinyTagger.tag(mine === turn ? batch : batch.map(() => input("Mixed")), signal);
  }),
  "stops within a second of being aborted": asked(async (batch, signal) => {
    if (signal.aborted) await sleep(1500);
    return tinyTagger.tag(batch, signal);
  }),
};

test("a good tagger keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(good)))).toEqual([]);
});

test.each(Object.entries(mutants))("a tagger that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});
