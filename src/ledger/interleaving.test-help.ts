import assert from "node:assert/strict";
import { createLedger, type Due, type Entry, type Ledger, type LedgerLimits, type Tracker } from "./index.ts";

/** Two workers on four partitions, and what the log itself knows: the truth that their ledgers are held against. */
const LANES = ["t/0", "t/1", "t/2", "t/3"] as const;
const limits: LedgerLimits = { span: 12, posts: 16, bytes: 160, repeats: 16 };

interface Flight {
  readonly worker: Worker;
  readonly tracker: Tracker;
  readonly entry: Entry;
}

interface Worker {
  ledger: Ledger;
  member: string;
  /** Commits under way: decided, not yet with the log. */
  commits: Due[][];
  /** Watermarks seen so far, by tracker: they must never go back. */
  readonly marks: Map<Tracker, number>;
}

/**
 * Plays one interleaving: every number chooses one step. Throws where the watermark passes an unfinished offset, goes
 * back, or is committed by a worker that does not own the partition, and where counts or pauses are wrong.
 */
export function playInterleaving(choices: readonly number[]): void {
  let members = 0;
  const fresh = (): Worker => ({
    ledger: createLedger(limits),
    member: `m${members++}`,
    commits: [],
    marks: new Map(),
  });
  const workers = [fresh(), fresh()];
  const owner = new Map<string, Worker>();
  const committed = new Map<string, number>(LANES.map((lane) => [lane, 0]));
  /** Offsets whose output is durable, whoever wrote it. */
  const durable = new Map<string, Set<number>>(LANES.map((lane) => [lane, new Set()]));
  const seen = new Map<string, Set<number>>(LANES.map((lane) => [lane, new Set()]));
  let flights: Flight[] = [];
  let clock = 0;

  const handOver = (worker: Worker, lane: string, choice: number) => {
    const tracker = worker.ledger.of(lane);
    if (tracker === undefined || tracker.paused) return;
    if (!tracker.started) return;
    // Sometimes what came before comes again, as after a seek; offsets that are no multiple of 3 plus 1 are holes.
    const from = Math.max(0, tracker.next - (choice % 3 === 0 ? 4 : 0));
    const count = 1 + (choice % 5);
    for (let offset = from; offset < from + count; offset++) {
      if (offset % 3 === 1) continue;
      const before: number = tracker.next;
      const entry = worker.ledger.see(lane, offset, 1 + (offset % 20), clock++);
      assert.equal(entry === undefined, offset < before, "exactly what was seen before is passed over");
      if (entry === undefined) continue;
      seen.get(lane)!.add(offset);
      flights.push({ worker, tracker, entry });
    }
    worker.ledger.reach(lane, from + count);
  };
  const settle = (choice: number) => {
    if (flights.length === 0) return;
    const [flight] = flights.splice(choice % flights.length, 1);
    const { worker, tracker, entry } = flight!;
    durable.get(tracker.lane)!.add(entry.offset);
    worker.ledger.settle(tracker, entry);
    // A second time must change nothing.
    if (choice % 7 === 0) worker.ledger.settle(tracker, entry);
  };
  const rebalance = (choice: number) => {
    // The log takes commits until it has divided anew; what is under way afterwards comes too late.
    for (const worker of workers) worker.commits = [];
    owner.clear();
    for (const [i, worker] of workers.entries()) {
      const lanes = LANES.filter((_, lane) => ((choice >> lane) & 1) === i);
      const same = (choice >> (4 + i)) % 3 !== 0;
      if (!same) worker.member = `m${members++}`;
      const before = new Map(worker.ledger.trackers);
      const { kept, added, revoked } = worker.ledger.assign(worker.member, lanes);
      assert.deepEqual([...kept, ...added].map(({ lane }) => lane).sort(), [...lanes]);
      assert.ok(same || kept.length === 0, "another member keeps nothing: others may have owned it meanwhile");
      for (const tracker of kept) assert.equal(before.get(tracker.lane), tracker, "kept trackers are the same");
      for (const tracker of revoked) assert.equal(tracker.live, false);
      for (const tracker of worker.marks.keys()) if (!tracker.live) worker.marks.delete(tracker);
      for (const lane of lanes) owner.set(lane, worker);
    }
  };
  const crash = (choice: number) => {
    const at = choice % workers.length;
    const dead = workers[at]!;
    workers[at] = fresh();
    flights = flights.filter(({ worker }) => worker !== dead);
    rebalance(choice);
  };
  const start = (worker: Worker) => {
    for (const tracker of worker.ledger.trackers.values())
      if (!tracker.started) worker.ledger.start(tracker, committed.get(tracker.lane)!);
  };
  const commitNow = (worker: Worker) => {
    const due = worker.commits.shift();
    if (due === undefined) return;
    for (const { tracker, offset } of due) {
      assert.ok(tracker.live && owner.get(tracker.lane) === worker, "only the owner commits");
      assert.ok(offset >= committed.get(tracker.lane)!, "no committed offset goes back");
      for (const one of seen.get(tracker.lane)!)
        assert.ok(one >= offset || durable.get(tracker.lane)!.has(one), `offset ${one} is not durable`);
      committed.set(tracker.lane, offset);
    }
    worker.ledger.committed(due);
  };

  rebalance(choices[0] ?? 0);
  for (const choice of choices) {
    const worker = workers[(choice >> 3) % workers.length]!;
    const rest = choice >> 4;
    switch (choice % 8) {
      case 0:
        start(worker);
        break;
      case 1:
      case 2:
        handOver(worker, LANES[rest % LANES.length]!, rest >> 2);
        break;
      case 3:
      case 4:
      case 5:
        settle(rest);
        break;
      case 6:
        if (worker.commits.length === 0) worker.commits.push(worker.ledger.due());
        else commitNow(worker);
        break;
      default:
        if (rest % 4 === 0) crash(rest >> 2);
        else if (rest % 4 === 1) rebalance(rest >> 2);
        else worker.ledger.decide();
    }
    for (const one of workers) checkWorker(one, flights);
  }
}

function checkWorker(worker: Worker, flights: readonly Flight[]): void {
  const { ledger, marks } = worker;
  const mine = flights.filter(({ tracker }) => ledger.of(tracker.lane) === tracker);
  assert.equal(ledger.pending, mine.length, "posts in flight");
  let bytes = 0;
  for (const { tracker, entry } of mine) {
    bytes += entry.bytes;
    assert.ok(tracker.watermark <= entry.offset, `watermark ${tracker.watermark} passed ${entry.offset}`);
  }
  assert.equal(ledger.bytes, bytes, "bytes in flight");
  for (const tracker of ledger.trackers.values()) {
    assert.ok(tracker.watermark >= (marks.get(tracker) ?? 0), "a watermark never goes back");
    marks.set(tracker, tracker.watermark);
    assert.ok(tracker.watermark <= tracker.next);
  }
}
