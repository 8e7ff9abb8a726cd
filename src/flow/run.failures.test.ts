import { expect, test, vi } from "vitest";
import { toDeadLetter } from "../dead-letter.ts";
import { Fault } from "../errors.ts";
import { fail, ok } from "../outcome.ts";
import type { Delivery, Output, Sink, Source } from "../plugin.ts";
import type { DeadLetter } from "../schema/dead-letter.ts";
import { delivered, memorySink, postOf } from "./in-memory.ts";
import { deadOf, eventsOf, giving, okAll, onVirtualTime, stageOf, start, taking } from "./run.test-help.ts";

onVirtualTime();

test("a post that makes its batch throw is found by running the batch one by one, once", async () => {
  const sizes: number[] = [];
  const run = start(4, [
    stageOf("picky", async (batch) => {
      sizes.push(batch.length);
      if (batch.some(({ post }) => post.id === "p2")) throw new Error("poison");
      return okAll(batch);
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(sizes).toEqual([4, 1, 1, 1, 1]);
  expect(eventsOf(run)).toHaveLength(3);
  expect(run.dead.records()[0]).toMatchObject({ postId: "p2", stage: "picky", reason: "poison", attempts: 2 });
});

test("too few outcomes are the fault WRONG_OUTCOME_COUNT", async () => {
  const run = start(3, [stageOf("short", async (batch) => batch.slice(1).map(() => ok({})))]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual(["p0", "p1", "p2"].map((id) => [id, "WRONG_OUTCOME_COUNT"]));
});

test("a stage that answers ok without the fact it gives is told so", async () => {
  const run = start(1, [
    stageOf(
      "forgetful",
      giving(() => ok({})),
      {},
      { gives: ["captions"] },
    ),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([["p0", "FACT_NOT_GIVEN"]]);
});

test("onFail skip goes on without the fact and says so; stop ends the run with the fault", async () => {
  const failing = giving((id) => (id === "p1" ? fail(new Error("no")) : ok({})));
  const skip = start(2, [stageOf("s", failing, { onFail: "skip" })]);
  const stop = start(2, [stageOf("s", failing, { onFail: "stop" })]);
  await vi.runAllTimersAsync();
  expect(await skip.done).toMatchObject({ emitted: 2, failed: { s: { UNEXPECTED: 1 } } });
  expect(eventsOf(skip)[1]!.degraded).toEqual([{ stage: "s", reason: "unexpected" }]);
  await expect(stop.done).rejects.toMatchObject({ code: "STAGE_FAILED", details: { stage: "s", post: "p1" } });
  expect(stop.settled).toEqual([]);
});

test("a source that throws ends the run with its error", async () => {
  const source: Source = {
    async *read() {
      yield [delivered(postOf(0), 0)];
      throw new Error("disk gone");
    },
  };
  const run = start(source, []);
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toThrow("disk gone");
});

test("a sink that throws stops the run, and nothing it had not acknowledged is settled", async () => {
  const sink: Sink = { write: () => Promise.reject(new Error("broker gone")) };
  const run = start(3, [], { sink });
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toMatchObject({
    code: "SINK_FAILED",
    message: expect.stringContaining("broker gone"),
  });
  expect(run.settled).toEqual([]);
});

test("a record that the sink refuses is dead-lettered; a dead letter that is refused stops the run", async () => {
  const picky = memorySink(({ post }) => (post?.id === "p1" ? fail(new Error("too large")) : ok(undefined)));
  const refused = start(3, [], { sink: picky.sink });
  const stopped = start(3, [], { sink: picky.sink, deadLetters: memorySink(() => fail(new Error("full"))).sink });
  await vi.runAllTimersAsync();
  expect(await refused.done).toMatchObject({ emitted: 2, deadLettered: 1, failed: { sink: { UNEXPECTED: 1 } } });
  expect(refused.dead.records()[0]).toMatchObject({ postId: "p1", stage: "sink", reason: "too large" });
  await expect(stopped.done).rejects.toMatchObject({ code: "SINK_FAILED", message: expect.stringContaining("full") });
  expect(stopped.settled).toEqual([0, 2]);
});

test("a dead letter carries the original bytes and where they came from", async () => {
  const bytes = Buffer.from([0xff, 0x00, 0x7b]);
  const bad: Delivery = {
    post: fail(new Error("not a post")),
    origin: { lane: "t-0", offset: "7", bytes: () => bytes, headers: { trace: "1" } },
    settle() {},
  };
  const run = start([bad], [stageOf("s", taking(1))]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(run.dead.records()).toEqual([
    {
      schema: "starling.dead-letter/1",
      key: "t-0:7:v",
      postId: null,
      stage: "source",
      code: "UNEXPECTED",
      reason: "not a post",
      attempts: 1,
      origin: { lane: "t-0", offset: "7", headers: { trace: "1" } },
      bytes: bytes.toString("base64"),
    },
  ]);
});

test("a dead letter that is too large is written with less in it: without bytes, then headers, then key", async () => {
  const sizeOf = ({ record }: Output) => JSON.stringify(record).length;
  const error = new Error("r".repeat(5000));
  const headers = { trace: "h".repeat(2000) };
  const origin = (index: number) => ({ lane: "t-0", offset: `${index}`, key: Buffer.alloc(3000), headers });
  const bad = (index: number, bytes: number): Delivery => ({
    post: fail(error),
    origin: { ...origin(index), bytes: () => Buffer.alloc(bytes) },
    settle() {},
  });
  const refuse = fail(new Fault("LOG_RECORD_TOO_LARGE", { topic: "t", bytes: 2, maxBytes: 1 }));
  const small = (most: number) => memorySink((output) => (sizeOf(output) > most ? refuse : ok(undefined)));
  for (const [most, left] of [
    [20_000, {}],
    [8000, { leftOut: 6000 }],
    [6000, { leftOut: 6000, leftOutHeaders: 2005 }],
    [1500, { leftOut: 6000, leftOutHeaders: 2005, leftOutKey: 3000 }],
  ] as [number, Partial<DeadLetter>][]) {
    const letters = small(most);
    const run = start([bad(0, 6000), bad(1, 6000)], [], { deadLetters: letters.sink });
    await vi.runAllTimersAsync();
    expect(await run.done).toMatchObject({ deadLettered: 2 });
    expect(letters.records()).toHaveLength(2);
    const whole = toDeadLetter({ postId: null, origin: bad(0, 6000).origin, stage: "source", error, attempts: 1 }, "v");
    const { headers: wholeHeaders, key, ...place } = whole.origin;
    expect(letters.records()[0]).toEqual({
      ...whole,
      ...left,
      ...(left.leftOut && { bytes: "" }),
      origin: {
        ...place,
        ...(!left.leftOutHeaders && { headers: wholeHeaders }),
        ...(!left.leftOutKey && { key }),
      },
    });
  }
  const run = start([bad(0, 6000)], [], { deadLetters: small(100).sink });
  await vi.runAllTimersAsync();
  await expect(run.done).rejects.toMatchObject({ code: "LOG_RECORD_TOO_LARGE" });
});
