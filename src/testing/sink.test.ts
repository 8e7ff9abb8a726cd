import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { fail, ok } from "../outcome.ts";
import { defineSink, type Output, type Sink, type SinkPlugin } from "../plugin.ts";
import { brokenClauses } from "./broken-clauses.test-help.ts";
import { type SinkClause, testSink } from "./sink.ts";
import type { Test } from "./suite.ts";

const places = new Map<string, unknown[]>();
const options = z.strictObject({ to: z.string() });
type Mine = SinkPlugin<typeof options>;

const writeTo = (place: unknown[]) => (output: Output) => {
  try {
    place.push(JSON.parse(JSON.stringify(output.record)));
    return ok(undefined);
  } catch (error) {
    return fail(error as Error);
  }
};
const good = (place: unknown[]): Sink => ({ write: async (batch) => batch.map(writeTo(place)) });
const pluginOf = (open: (place: unknown[]) => Sink, change: object = {}): Mine => ({
  ...defineSink({ name: "memory", about: "x", options, open: async ({ to }) => open(places.get(to)!) }),
  ...change,
});
const record = (key: string): Output => ({
  record: {
    schema: "starling.dead-letter/1",
    key,
    postId: null,
    stage: "source",
    code: "UNEXPECTED",
    reason: "test",
    attempts: 1,
    origin: { lane: "a", offset: "0" },
    bytes: "",
  },
  origin: { lane: "a", offset: "0", bytes: () => new Uint8Array() },
});
const place = async () => {
  const to = `place ${places.size}`;
  places.set(to, []);
  return { options: { to }, written: async () => places.get(to)! };
};
const suite = (plugin: Mine) => (test: Test) => testSink({ test, plugin, place, records: [record("a"), record("b")] });

const shared = good([]);
const mutants: Record<SinkClause, Mine> = {
  "declares itself": pluginOf(good, { api: 2 }),
  "refuses an option it does not know": pluginOf(good, { options: z.looseObject({ to: z.string() }) }),
  "checks what it opens, and finds nothing wrong": pluginOf(good, {
    check: async () => [{ option: [], error: new Error("not here") }],
  }),
  "may be closed twice": pluginOf((to) => {
    let open = 1;
    return { ...good(to), close: async () => (open-- > 0 ? undefined : Promise.reject(new Error("closed before"))) };
  }),
  "opens twice, side by side": pluginOf(() => shared),
  "answers an empty batch with nothing": pluginOf((to) => ({
    write: async (batch) => (batch.length === 0 ? Promise.reject(new Error("nothing to do")) : batch.map(writeTo(to))),
  })),
  "has written what it answered ok": pluginOf(() => ({ write: async (batch) => batch.map(() => ok(undefined)) })),
  "refuses one record and writes the others": pluginOf((to) => ({
    write: async (batch) => {
      to.push(...JSON.parse(JSON.stringify(batch.map((output) => output.record))));
      return batch.map(() => ok(undefined));
    },
  })),
  "leaves its input as it was": pluginOf((to) => ({
    write: async (batch) =>
      batch.map((output) => writeTo(to)(Object.assign(output, { record: { ...output.record, reason: "x" } }))),
  })),
  "keeps batches apart that are written at once": pluginOf((to) => {
    let last: readonly Output[] = [];
    return {
      write: async (batch) => {
        last = batch;
        await sleep(5);
        return last.map(writeTo(to));
      },
    };
  }),
  "stops within a second of being aborted": pluginOf((to) => ({
    write: async (batch, signal) => {
      if (signal.aborted) await sleep(1500);
      return batch.map(writeTo(to));
    },
  })),
};

test("a good sink keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(good)))).toEqual([]);
});

test.each(Object.entries(mutants))("a sink that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});
