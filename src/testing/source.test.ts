import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { fail, ok } from "../outcome.ts";
import { type Delivery, defineSource, type Source, type SourcePlugin } from "../plugin.ts";
import { brokenClauses } from "./broken-clauses.test-help.ts";
import { type SourceClause, testSource } from "./source.ts";
import type { Test } from "./suite.ts";

const lines = ["one", "?", "two", "three"];
const bytes = (line: string) => new TextEncoder().encode(line);

const deliver = (line: string, offset: number): Delivery => ({
  post: line === "?" ? fail(new Error("unreadable")) : ok({ id: line, text: line }),
  origin: { lane: "memory", offset: String(offset), bytes: () => bytes(line) },
  settle() {},
});
const reading = (change: (delivery: Delivery, i: number) => Delivery = (delivery) => delivery): Source => ({
  async *read(signal) {
    for (const [i, line] of lines.entries()) {
      if (signal.aborted) return;
      yield [change(deliver(line, i), i)];
    }
  },
});
const pluginOf = (open: () => Source, change: object = {}): SourcePlugin<z.ZodType> => ({
  ...defineSource({ name: "memory", about: "x", options: z.strictObject({}), open: async () => open() }),
  ...change,
});
const holds = lines.map((line) => ({ id: line === "?" ? null : line, bytes: bytes(line) }));
const suite = (plugin: SourcePlugin<z.ZodType>) => (test: Test) => testSource({ test, plugin, options: {}, holds });

const shared = reading();
let opened = 0;
const mutants: Record<SourceClause, SourcePlugin<z.ZodType>> = {
  "declares itself": pluginOf(reading, { name: "My Source" }),
  "refuses an option it does not know": pluginOf(reading, { options: z.looseObject({}) }),
  "checks what it opens, and finds nothing wrong": pluginOf(reading, {
    check: async () => [{ option: [], error: new Error("not here") }],
  }),
  "may be closed twice": pluginOf(() => {
    let open = 1;
    return { ...reading(), close: async () => (open-- > 0 ? undefined : Promise.reject(new Error("closed before"))) };
  }),
  "opens twice, side by side": pluginOf(() => shared),
  "yields every record, and names where each stood": pluginOf(() =>
    reading((delivery) => ({ ...delivery, origin: { ...delivery.origin, offset: "0" } })),
  ),
  "gives the original bytes back": pluginOf(() =>
    reading((delivery) => ({ ...delivery, origin: { ...delivery.origin, bytes: () => bytes("again") } })),
  ),
  "yields what it cannot read as a failure, and goes on": pluginOf(() => ({
    async *read() {
      for (const [i, line] of lines.entries()) {
        if (line === "?") throw new Error("unreadable");
        yield [deliver(line, i)];
      }
    },
  })),
  "takes settling in any order": pluginOf(() => {
    let next = 0;
    return reading((delivery, i) => ({
      ...delivery,
      settle() {
        if (i !== next++) throw new Error("out of order");
      },
    }));
  }),
  "ends when its input ends": pluginOf(() => ({
    async *read(signal) {
      yield* reading().read(signal);
      if (!signal.aborted) throw new Error("the topic went away");
    },
  })),
  "yields nothing after an abort, and ends within a second": pluginOf(() => ({
    async *read() {
      yield* reading().read(new AbortController().signal);
    },
  })),
  "names the same record the same way each time": pluginOf(() => {
    const lane = `run ${opened++}`;
    return reading((delivery) => ({ ...delivery, origin: { ...delivery.origin, lane } }));
  }),
};

test("a good source keeps every clause", async () => {
  expect(await brokenClauses(suite(pluginOf(reading)))).toEqual([]);
});

test.each(Object.entries(mutants))("a source that breaks it is caught by: %s", async (clause, plugin) => {
  expect(await brokenClauses(suite(plugin))).toContainEqual(expect.stringMatching(new RegExp(`^${clause}`)));
});

test("a source that reads on for long after an abort is caught", async () => {
  const slow: Source = {
    async *read(signal) {
      yield [deliver("one", 0)];
      await sleep(signal.aborted ? 1500 : 0);
    },
  };
  expect(await brokenClauses(suite(pluginOf(() => slow)))).toContainEqual(
    expect.stringMatching(/^yields nothing after an abort.*still running/),
  );
});
