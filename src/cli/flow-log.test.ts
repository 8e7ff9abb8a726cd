import { expect, test } from "vitest";
import type { Written } from "../flow/types.ts";
import { flowLog, together } from "./flow-log.ts";

const record = (schema: string, key: string) =>
  ({
    record: { schema, key, stage: "source", code: "POST_INVALID", attempts: 1, reason: "secret" },
  }) as unknown as Written;
const dead = (key: string) => record("starling.dead-letter/1", key);

function logged() {
  const lines: unknown[] = [];
  let now = 1_000_000;
  const log = flowLog(
    (plugin, message, fields) => lines.push([plugin, message, fields]),
    () => now,
  );
  return { log, lines, wait: (ms: number) => (now += ms) };
}

test("a dead letter is told by its key, without its reason; an event is not told", () => {
  const { log, lines } = logged();
  log.written!([dead("posts/0:7:v"), record("starling.entities/1", "posts/0:8:v")]);
  const fields = { key: "posts/0:7:v", stage: "source", code: "POST_INVALID", attempts: 1 };
  expect(lines).toEqual([["flow", "dead letter", fields]]);
});

test("of a flood ten a second are told, and how many more there were", () => {
  const { log, lines, wait } = logged();
  log.written!(Array.from({ length: 250 }, (_, i) => dead(`${i}`)));
  expect(lines).toHaveLength(10);
  wait(1000);
  log.written!([dead("x")]);
  expect(lines.slice(10)).toEqual([
    ["flow", "more dead letters", { posts: 240 }],
    ["flow", "dead letter", { key: "x", stage: "source", code: "POST_INVALID", attempts: 1 }],
  ]);
  log.written!(Array.from({ length: 12 }, (_, i) => dead(`${i}`)));
  log.end();
  expect(lines.at(-1)).toEqual(["flow", "more dead letters", { posts: 3 }]);
});

test("together tells all observers, and is nothing where there are none", () => {
  const seen: string[] = [];
  const one = { written: () => void seen.push("one") };
  const two = { written: () => void seen.push("two"), batch: () => void seen.push("batch") };
  const all = together(one, undefined, two)!;
  all.written!([]);
  all.batch!({} as never);
  all.started!({} as never);
  expect(seen).toEqual(["one", "two", "batch"]);
  expect(together(undefined, one)).toBe(one);
  expect(together(undefined)).toBeUndefined();
});
