import type { Outcome } from "starling-ner";
import { costOfRun, type Grouping } from "./grouping.ts";
import type { Answer, Work } from "./messages.ts";

/** A post that waits for a process, or is in one. */
export interface Job {
  readonly work: Work;
  /** Sub-words of its rows. */
  readonly size: number;
  readonly resolve: (outcome: Outcome<Answer>) => void;
  /** Whether a process was lost with it: it runs alone then, once more. */
  retried: boolean;
}

/** Sub-words from which a post is long: it runs alone, so that it takes no other with it when its time is over. */
const LONG = 4_096;

export const isLong = ({ size }: Job): boolean => size >= LONG;

/**
 * The jobs of all callers. What is taken together is alike in length, the cheapest group for its sub-words first; nobody
 * is passed over for ever.
 */
export interface Queue {
  readonly length: number;
  add(job: Job): void;
  /** Puts jobs of a lost process back, before all others. */
  putBack(jobs: readonly Job[]): void;
  remove(jobs: ReadonlySet<Job>): void;
  /** At most `count` jobs that run well together. */
  take(count: number, grouping: Grouping): Job[];
  /** Empties the queue. */
  drain(): Job[];
}

/** A job that was passed over in so many takes is in the next one, whatever it costs. */
export const PATIENCE = 16;

interface Entry {
  readonly job: Job;
  /** Takes before it came; for what was put back so early that it is next. */
  readonly turn: number;
}

export function createQueue(): Queue {
  /** What runs alone, in the order it came. */
  let alone: Entry[] = [];
  /** The others, in the order of their size. */
  let alike: Entry[] = [];
  let turn = 0;

  function insert(entry: Entry): void {
    let [low, high] = [0, alike.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (alike[middle]!.job.size <= entry.job.size) low = middle + 1;
      else high = middle;
    }
    alike.splice(low, 0, entry);
  }

  /** Whether the first of those that run alone is older than all others. */
  const aloneIsNext = (): boolean => alone[0] !== undefined && alike.every((entry) => alone[0]!.turn < entry.turn);

  return {
    get length() {
      return alone.length + alike.length;
    },
    add(job) {
      if (isAlone(job)) alone.push({ job, turn });
      else insert({ job, turn });
    },
    putBack(lost) {
      alone = [...lost.filter(isAlone).map((job) => ({ job, turn: Number.NEGATIVE_INFINITY })), ...alone];
      for (const job of lost) if (!isAlone(job)) insert({ job, turn: -PATIENCE });
    },
    remove(gone) {
      const stays = ({ job }: Entry) => !gone.has(job);
      [alone, alike] = [alone.filter(stays), alike.filter(stays)];
    },
    take(count, grouping) {
      if (aloneIsNext()) return [alone.shift()!.job];
      if (alike.length === 0) return [];
      const { start, end } = cheapest(alike, count, turn++, grouping);
      return alike.splice(start, end - start).map(({ job }) => job);
    },
    drain() {
      const all = [...alone, ...alike].map(({ job }) => job);
      [alone, alike] = [[], []];
      return all;
    },
  };
}

const isAlone = (job: Job): boolean => job.retried || isLong(job);

interface Group {
  readonly start: number;
  readonly end: number;
}

/**
 * Of `entries` in the order of their size: the run of at most `count` that costs least for each of its sub-words, the
 * oldest of equal ones; one with the oldest of all where that was passed over too often.
 */
function cheapest(entries: readonly Entry[], count: number, turn: number, grouping: Grouping): Group {
  const oldest = indexOfOldest(entries);
  const must = turn - entries[oldest]!.turn >= PATIENCE ? oldest : undefined;
  const last = must ?? entries.length - 1;
  let best = { start: oldest, end: oldest + 1, cost: Number.POSITIVE_INFINITY, turn: 0 };
  for (let start = Math.max(0, (must ?? 0) - count + 1); start <= last; start++) {
    let [sum, eldest] = [0, turn];
    const furthest = Math.min(entries.length, start + count);
    for (let end = start + 1; end <= furthest; end++) {
      const { job, turn: came } = entries[end - 1]!;
      sum += job.size;
      if (came < eldest) eldest = came;
      if (must !== undefined && end <= must) continue;
      const cost = costOfRun(end - start, job.size, grouping) / Math.max(1, sum);
      if (cost < best.cost || (cost === best.cost && eldest < best.turn)) best = { start, end, cost, turn: eldest };
    }
  }
  return best;
}

function indexOfOldest(entries: readonly Entry[]): number {
  let oldest = 0;
  for (let i = 1; i < entries.length; i++) if (entries[i]!.turn < entries[oldest]!.turn) oldest = i;
  return oldest;
}
