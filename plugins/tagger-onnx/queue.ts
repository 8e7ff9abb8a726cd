import type { Outcome } from "starling-ner";
import type { Grouping } from "./grouping.ts";
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
 * The jobs of all callers. What is taken together comes in groups alike in length, and the first of them always holds the
 * oldest job, so that none waits for ever.
 */
export interface Queue {
  readonly length: number;
  add(job: Job): void;
  /** Puts jobs of a lost process back, before all others. */
  putBack(jobs: readonly Job[]): void;
  remove(jobs: ReadonlySet<Job>): void;
  /** At most `count` jobs. */
  take(count: number, grouping: Grouping): Job[];
  /** Empties the queue. */
  drain(): Job[];
}

/** How many of the oldest jobs are looked at for ones of like length, per job of a group. */
const LOOKAHEAD = 32;

export function createQueue(): Queue {
  let jobs: Job[] = [];

  function takeGroup(count: number, padding: number): Job[] {
    const seen = jobs.splice(0, count * LOOKAHEAD);
    const taken = nearestInLength(
      seen.filter((job) => !isLong(job)),
      count,
      padding,
    );
    const chosen = new Set(taken);
    jobs.unshift(...seen.filter((job) => !chosen.has(job)));
    return taken;
  }

  return {
    get length() {
      return jobs.length;
    },
    add: (job) => void jobs.push(job),
    putBack: (lost) => {
      jobs = [...lost, ...jobs];
    },
    remove(gone) {
      jobs = jobs.filter((job) => !gone.has(job));
    },
    take(count, { batch, padding }) {
      if (jobs[0] !== undefined && isAlone(jobs[0])) return jobs.splice(0, 1);
      const taken: Job[] = [];
      while (taken.length < count && jobs[0] !== undefined && !isAlone(jobs[0]))
        taken.push(...takeGroup(Math.min(batch, count - taken.length), padding));
      return taken;
    },
    drain: () => jobs.splice(0),
  };
}

const isAlone = (job: Job): boolean => job.retried || isLong(job);

/** Grows from the first job, in the order of length, to whichever side costs less. */
function nearestInLength(jobs: readonly Job[], count: number, padding: number): Job[] {
  const order = jobs.toSorted((a, b) => a.size - b.size);
  let from = order.indexOf(jobs[0]!);
  let to = from + 1;
  while (to - from < count) {
    const shorter = from > 0 ? order[to - 1]!.size - order[from - 1]!.size : Number.POSITIVE_INFINITY;
    const longer = to < order.length ? (order[to]!.size - order[to - 1]!.size) * (to - from) : Number.POSITIVE_INFINITY;
    if (Math.min(shorter, longer) > padding) break;
    if (shorter < longer) from--;
    else to++;
  }
  return order.slice(from, to);
}
