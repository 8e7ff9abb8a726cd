import { createLedger, type Moment } from "starling-ner";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchLag } from "./lag.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const limits = { span: 100, posts: 100, bytes: 1e6, repeats: 100 };
const turn = () => vi.advanceTimersByTimeAsync(0);

test("tells what is behind the committed offset, of our own started partitions, and looks again", async () => {
  const ledger = createLedger(limits);
  let end = 40;
  const asked: [string, Moment][] = [];
  const offsets = async (topic: string, at: Moment) => {
    asked.push([topic, at]);
    return [0, 1].map((partition) => ({ topic, partition, offset: end }));
  };
  const lag = watchLag({ offsets }, ledger.trackers);
  const { added } = ledger.assign("me", ["posts/0", "posts/1", "others/0"]);
  ledger.start(added[0]!, 10);
  expect(asked).toEqual([]); // nobody has asked yet
  expect(lag.now()).toEqual([]);
  await turn();
  expect(lag.now()).toEqual([{ topic: "posts", partition: 0, messages: 30 }]);
  end = 45;
  await vi.advanceTimersByTimeAsync(5000);
  expect(lag.now()).toEqual([{ topic: "posts", partition: 0, messages: 35 }]);
  ledger.assign("me", ["others/0"]);
  expect(lag.now()).toEqual([]);
  lag.close();
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(before);
});

test("keeps what it knew while the log is out of reach", async () => {
  const ledger = createLedger(limits);
  let reachable = true;
  const offsets = async (topic: string) => {
    if (!reachable) throw new Error("unreachable");
    return [{ topic, partition: 0, offset: 7 }];
  };
  const lag = watchLag({ offsets }, ledger.trackers);
  ledger.start(ledger.assign("me", ["posts/0"]).added[0]!, 2);
  lag.now();
  await turn();
  reachable = false;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(lag.now()).toEqual([{ topic: "posts", partition: 0, messages: 5 }]);
  lag.close();
});
