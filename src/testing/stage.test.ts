import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { fail, ok, pass } from "../outcome.ts";
import { defineStage, type Stage, type StagePlugin, type View } from "../plugin.ts";
import { brokenClauses, clausesOf } from "./broken-clauses.test-help.ts";
import { type StageClause, testStage } from "./stage.ts";

type Seen = View<"captions", "draft">;
type Open = Stage<"captions", "draft", "knowledge">;
const options = z.strictObject({});
type Mine = StagePlugin<"captions", "draft", "knowledge", z.ZodType>;

const knows = (text: string) => ok({ knowledge: { text, names: [], source: "test", usd: 0 } });
const answer = ({ post, facts }: Seen) =>
  post.text === "bad"
    ? fail(new Error("bad"))
    : post.text === ""
      ? pass("no_text")
      : knows(`${post.text} ${facts.captions.length}`);

const good: Open = { run: async (batch) => batch.map(answer), close: async () => {} };
const pluginOf = (open: () => Open, change: object = {}): Mine => ({
  ...defineStage({
    name: "mine",
    about: "x",
    options,
    needs: ["captions"],
    uses: ["draft"],
    gives: ["knowledge"],
    open: async () => open(),
  }),
  ...change,
});
const view = (text: string): Seen => ({ post: { id: text, text }, facts: { captions: [] } });
const suite = (plugin: Mine) => (test: Parameters<typeof testStage>[0]["test"]) =>
  testStage({ test, plugin, options: {}, batch: [view("one"), view("two"), view("")], bad: view("bad") });

const shared = { ...good };
let count = 0;
let closed = 0;
const mutants: Record<StageClause, Mine> = {
  "declares itself": pluginOf(() => good, { about: "two\nlines" }),
  "refuses an option it does not know": pluginOf(() => ({ ...good }), { options: z.looseObject({}) }),
  "checks what it opens, and finds nothing wrong": pluginOf(() => ({ ...good }), {
    check: async () => [{ option: [], error: new Error("not here") }],
  }),
  "may be closed twice": pluginOf(() => {
    let open = true;
    return {
      ...good,
      close: async () => {
        if (!open) throw new Error("closed before");
        open = false;
      },
    };
  }),
  "opens twice, side by side": pluginOf(() => shared),
  "answers an empty batch with nothing": pluginOf(() => ({
    run: async (batch) => [...batch.map(answer), ...(batch.length === 0 ? [pass("x")] : [])],
  })),
  "answers a batch as it answers its posts one by one": pluginOf(() => ({
    run: async (batch) => batch.map(answer).toReversed(),
  })),
  "gives the facts it declares and no others": pluginOf(() => ({
    run: async (batch) => batch.map((one) => ({ ...answer(one), value: { knowledge: knows("x"), extra: 1 } }) as never),
  })),
  "reads the facts it declares and no others": pluginOf(() => ({
    run: async (batch) => batch.map((one) => ("neighbours" in one.facts ? pass("x") : answer(one))),
  })),
  "works without the facts it merely uses": pluginOf(() => ({
    run: async (batch) => {
      for (const { facts } of batch)
        if (!("draft" in facts) && Object.keys(facts).length === 1) throw new Error("no draft");
      return batch.map(answer);
    },
  })),
  "leaves its input as it was": pluginOf(() => ({
    run: async (batch) =>
      batch.map((one) => answer({ ...one, post: Object.assign(one.post, { text: one.post.text.toUpperCase() }) })),
  })),
  "lets one bad post spare the others": pluginOf(() => ({
    run: async (batch) =>
      batch.map((one) => (batch.some(({ post }) => post.text === "bad") ? fail(new Error("all")) : answer(one))),
  })),
  "passes for reasons that fit a metric label": pluginOf(() => ({
    run: async (batch) =>
      batch.map((one) => (one.post.text === "" ? pass(`No text in "${one.post.id}"`) : answer(one))),
  })),
  "keeps batches apart that run at once": pluginOf(() => ({
    run: async (batch) => {
      const mine = ++count;
      await sleep(5);
      return batch.map((one) => (count === mine ? answer(one) : pass("mixed_up")));
    },
  })),
  "stops within a second of being aborted": pluginOf(() => ({
    run: async (batch, signal) => {
      if (signal.aborted) await sleep(1500);
      return batch.map(answer);
    },
  })),
};

test("a good stage keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(() => ({ ...good, close: async () => void closed++ }))))).toEqual([]);
  expect(closed).toBeGreaterThan(10);
});

test.each(Object.entries(mutants))("a stage that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});

test("a stage that goes on working after the abort is caught", async () => {
  const late: Open = { run: async (batch) => sleep(1500, batch.map(answer)) };
  const clause = clausesOf(suite(pluginOf(() => late))).get("stops within a second of being aborted")!;
  await expect(clause()).rejects.toThrow("still running");
});

test("a clause that cannot be tested is no clause kept", async () => {
  const declare = (test: Parameters<typeof testStage>[0]["test"]) =>
    testStage({ test, plugin: pluginOf(() => ({ ...good })), options: {}, batch: [view("one")] });
  expect(await brokenClauses(declare)).toEqual([
    expect.stringContaining("give two posts or more"),
    expect.stringContaining("give a `bad` post"),
  ]);
});

test("a skipped clause is announced with its reason, and an unknown one refused", () => {
  const skipped: string[] = [];
  const fake = Object.assign(() => {}, { skip: (name: string) => void skipped.push(name) });
  const declare = (skip: object) =>
    testStage({ test: fake, plugin: pluginOf(() => good), options: {}, batch: [], skip });
  declare({ "answers an empty batch with nothing": "sampling is on" });
  expect(skipped).toEqual(["mine: answers an empty batch with nothing (skipped: sampling is on)"]);
  expect(() => declare({ "is fast": "it is not" })).toThrow('no clause "is fast"');
});
