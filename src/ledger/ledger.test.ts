import { describe, expect, test } from "vitest";
import { createLedger, type Entry, type Ledger } from "./index.ts";

const limits = { span: 100, posts: 100, bytes: 10_000, repeats: 100 };
const opened = (more: Partial<typeof limits> = {}, lanes = ["t/0"]) => {
  const ledger = createLedger({ ...limits, ...more });
  for (const tracker of ledger.assign("m", lanes).added) ledger.start(tracker, 10);
  return ledger;
};
const see = (ledger: Ledger, offsets: readonly number[], lane = "t/0") =>
  offsets.map((offset) => ledger.see(lane, offset, 1, 0)!);
const settle = (ledger: Ledger, entries: readonly Entry[], lane = "t/0") => {
  for (const entry of entries) ledger.settle(ledger.of(lane)!, entry);
};
const dueOf = (ledger: Ledger) => ledger.due().map(({ tracker, offset }) => [tracker.lane, offset]);
const lanesOf = ({ pause, resume }: ReturnType<Ledger["decide"]>) => [
  pause.map(({ lane }) => lane),
  resume.map(({ lane }) => lane),
];

describe("the watermark", () => {
  test("moves over settled offsets without gaps, and stays before the first that is not", () => {
    const ledger = opened();
    const [a, b, c] = see(ledger, [10, 11, 12]);
    settle(ledger, [c!]);
    expect(dueOf(ledger)).toEqual([]);
    settle(ledger, [a!]);
    expect(dueOf(ledger)).toEqual([["t/0", 11]]);
    settle(ledger, [b!]);
    expect(dueOf(ledger)).toEqual([["t/0", 13]]);
  });

  test("passes holes, which compaction and transactions leave", () => {
    const ledger = opened();
    const [a] = see(ledger, [14, 90]);
    settle(ledger, [a!]);
    expect(dueOf(ledger)).toEqual([["t/0", 90]]);
  });

  test("reaches the end of a batch whose last offsets are not shown", () => {
    const ledger = opened();
    const [a] = see(ledger, [10]);
    ledger.reach("t/0", 13);
    expect(dueOf(ledger)).toEqual([]);
    settle(ledger, [a!]);
    expect(dueOf(ledger)).toEqual([["t/0", 13]]);
  });

  test("is due until it was committed, and again once it has moved", () => {
    const ledger = opened();
    const [a, b] = see(ledger, [10, 11]);
    settle(ledger, [a!]);
    ledger.committed(ledger.due());
    expect(dueOf(ledger)).toEqual([]);
    settle(ledger, [b!]);
    expect(dueOf(ledger)).toEqual([["t/0", 12]]);
  });
});

describe("a rebalance", () => {
  test("keeps what the same member held before and holds again, with its posts in flight", () => {
    const ledger = opened({}, ["t/0", "t/1"]);
    const [a] = see(ledger, [10]);
    const { kept, added, revoked } = ledger.assign("m", ["t/0", "t/2"]);
    expect([kept, added, revoked].map((list) => list.map(({ lane }) => lane))).toEqual([["t/0"], ["t/2"], ["t/1"]]);
    settle(ledger, [a!]);
    expect(dueOf(ledger)).toEqual([["t/0", 11]]);
  });

  test("fences everything where the member is another one: its posts may finish, and nothing moves", () => {
    const ledger = opened();
    const tracker = ledger.of("t/0")!;
    const [a] = see(ledger, [10]);
    ledger.assign("n", ["t/0"]);
    expect(tracker.fence.signal.aborted).toBe(true);
    ledger.settle(tracker, a!);
    expect([dueOf(ledger), ledger.pending]).toEqual([[], 0]);
  });

  test("hands nothing over before the start is known", () => {
    const ledger = createLedger(limits);
    const [tracker] = ledger.assign("m", ["t/0"]).added;
    expect(ledger.see("t/0", 10, 1, 0)).toBeUndefined();
    ledger.start(tracker!, 10);
    expect(ledger.see("t/0", 10, 1, 0)).toBeDefined();
  });
});

describe("pauses", () => {
  test("a partition at its span limit, and resumes it at half", () => {
    const ledger = opened({ span: 4 }, ["t/0", "t/1"]);
    const entries = see(ledger, [10, 11, 12, 13]);
    expect(lanesOf(ledger.decide())).toEqual([["t/0"], []]);
    settle(ledger, entries.slice(1));
    expect(lanesOf(ledger.decide())).toEqual([[], []]);
    settle(ledger, entries.slice(0, 1));
    expect(lanesOf(ledger.decide())).toEqual([[], ["t/0"]]);
  });

  test.each([{ posts: 4 }, { bytes: 4 }])("all partitions at %o in flight, and resumes them at half", (more) => {
    const ledger = opened(more, ["t/0", "t/1"]);
    const entries = see(ledger, [10, 11, 12, 13]);
    expect(lanesOf(ledger.decide())).toEqual([["t/0", "t/1"], []]);
    settle(ledger, entries.slice(0, 1));
    expect(lanesOf(ledger.decide())).toEqual([[], []]);
    settle(ledger, entries.slice(1, 2));
    expect(lanesOf(ledger.decide())).toEqual([[], ["t/0", "t/1"]]);
  });

  test("are decided anew after a rebalance, because the log forgets them", () => {
    const ledger = opened({ span: 4 });
    see(ledger, [10, 11, 12, 13]);
    ledger.decide();
    ledger.assign("m", ["t/0"]);
    expect(lanesOf(ledger.decide())).toEqual([["t/0"], []]);
  });

  test("everything once it is stopped", () => {
    const ledger = opened({}, ["t/0", "t/1"]);
    ledger.stop();
    expect(lanesOf(ledger.decide())).toEqual([["t/0", "t/1"], []]);
  });
});

test("the oldest post in flight is known by its age", () => {
  const ledger = opened();
  const first = ledger.see("t/0", 10, 1, 1000)!;
  ledger.see("t/0", 11, 1, 4000);
  expect(ledger.oldestMs(6000)).toBe(5000);
  settle(ledger, [first]);
  expect(ledger.oldestMs(6000)).toBe(2000);
});

test("a long-lived tracker keeps no settled entries", () => {
  const ledger = opened({ span: 1e9, posts: 1e9, bytes: 1e9, repeats: 1e9 });
  for (let offset = 10; offset < 100_000; offset++) settle(ledger, see(ledger, [offset]));
  expect(dueOf(ledger)).toEqual([["t/0", 100_000]]);
  expect(ledger.of("t/0")!.oldest).toBeUndefined();
});
