import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ConsumerEvents, GroupConsumer, LogClient, LogRecord, Position, RecordBatch } from "../log/index.ts";
import { type Following, follow } from "./follow.ts";

const record = (offset: number): LogRecord => ({
  offset,
  key: null,
  value: Buffer.from("x"),
  headers: {},
  timestamp: 0,
});
const batch = (from: number, count = 1, partition = 0): RecordBatch => ({
  ...{ topic: "t", partition, next: from + count },
  records: Array.from({ length: count }, (_, i) => record(from + i)),
});

/** A log in which the test says what comes, when, and what there is. */
function staged({ first = 0, end = 100, kept }: { first?: number; end?: number; kept?: number } = {}) {
  const seen = { started: [] as Position[], paused: 0, resumed: 0, committed: [] as Position[], closed: false };
  let events: ConsumerEvents | undefined;
  const consumer: GroupConsumer = {
    topics: ["t"],
    start: (position) => void seen.started.push(position),
    pause: () => void seen.paused++,
    resume: () => void seen.resumed++,
    commit: async (positions) => void seen.committed.push(...positions),
    close: async () => {
      seen.closed = true;
    },
  };
  const client = {
    offsets: async (topic, at) => [{ topic, partition: 0, offset: at === "earliest" ? first : end }],
    async consumer(_, given) {
      events = given;
      // Before the consumer is known, as a quick group does.
      given.assigned({ member: "m", partitions: [{ topic: "t", partition: 0 }] });
      return consumer;
    },
  } as Partial<LogClient> as LogClient;
  const [warnings, taken, stop] = [[] as string[], [] as number[], new AbortController()];
  const begin = (take: Following["take"] = ({ records }) => void taken.push(...records.map(({ offset }) => offset))) =>
    follow({
      ...{ client, group: "g", topics: ["t"], signal: stop.signal, take },
      placeOf: () => kept,
      warn: (message) => warnings.push(message),
    });
  return {
    seen,
    warnings,
    taken,
    stop,
    begin,
    send: (...batches: RecordBatch[]) => {
      for (const one of batches) events!.records(one);
    },
    events: () => events!,
  };
}

describe("a partition", () => {
  test.each([
    ["of which nothing was kept begins at its first record", { first: 3 }, 3, []],
    ["goes on where what was kept ends", { kept: 40 }, 40, []],
    [
      "whose next records were deleted goes on at the first, and says so",
      { first: 50, kept: 40 },
      50,
      ["records were deleted before they were read"],
    ],
    [
      "of a topic that was made anew begins at its first record, and says so",
      { end: 10, kept: 40 },
      0,
      ["this topic was made anew; it is read from its beginning"],
    ],
  ])("%s", async (_, log, offset, warnings) => {
    const at = staged(log);
    const { done, health } = at.begin();
    await sleep(5);
    expect([at.seen.started, at.warnings]).toEqual([[{ topic: "t", partition: 0, offset }], warnings]);
    expect(health()).toMatchObject({ ready: true });
    at.stop.abort();
    await done;
    expect(at.seen.closed).toBe(true);
  });
});

test("what was kept is committed before the end; what was not taken is not", async () => {
  const at = staged();
  const { done } = at.begin();
  await sleep(5);
  at.send(batch(0, 3), batch(3, 2));
  await sleep(5);
  at.stop.abort();
  await done;
  expect([at.taken, at.seen.committed]).toEqual([[0, 1, 2, 3, 4], [{ topic: "t", partition: 0, offset: 5 }]]);
});

test("what keeping throws ends the following, with nothing of that batch committed", async () => {
  const at = staged();
  const { done } = at.begin(({ next }) => {
    if (next > 3) throw new Error("the disk is full");
  });
  await sleep(5);
  at.send(batch(0, 3), batch(3, 2), batch(5, 1));
  await expect(done).rejects.toThrow("the disk is full");
  expect([at.seen.committed, at.seen.closed]).toEqual([[{ topic: "t", partition: 0, offset: 3 }], true]);
});

test("what the log fails with ends the following", async () => {
  const at = staged();
  const { done } = at.begin();
  await sleep(5);
  at.events().failed(new Error("the broker is gone"));
  await expect(done).rejects.toThrow("the broker is gone");
});

test("reading pauses while much waits to be kept, and goes on", async () => {
  const at = staged();
  const { done } = at.begin();
  await sleep(5);
  at.send(...Array.from({ length: 12 }, (_, i) => batch(500 * i, 500)));
  expect([at.seen.paused, at.seen.resumed]).toEqual([1, 0]);
  for (let i = 0; i < 100 && at.taken.length < 6000; i++) await sleep(5);
  expect([at.taken.length, at.seen.paused, at.seen.resumed]).toEqual([6000, 1, 1]);
  at.stop.abort();
  await done;
});

test("at a new assignment what was not kept is dropped, and comes again from where it was kept", async () => {
  const at = staged();
  const { done } = at.begin();
  await sleep(5);
  at.send(batch(0, 2));
  at.events().assigned({ member: "m", partitions: [{ topic: "t", partition: 0 }] });
  await sleep(5);
  expect([at.taken, at.seen.started.map(({ offset }) => offset)]).toEqual([[], [0, 0]]);
  at.send(batch(0, 2));
  await sleep(5);
  expect(at.taken).toEqual([0, 1]);
  at.stop.abort();
  await done;
});
