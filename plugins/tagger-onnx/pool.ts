import { Fault, fail, type Outcome, ok } from "starling-ner";
import { type Grouping, groupingOf } from "./grouping.ts";
import type { Answer, EngineSpec, Ready, Reply, Work } from "./messages.ts";
import { startWorker, type Worker } from "./process.ts";
import { createQueue, isLong, type Job } from "./queue.ts";
import { receiveFault } from "./send-fault.ts";
import { readReplies, type SentReplies } from "./wire.ts";

export interface PoolOptions {
  /** Module that each child process runs. */
  readonly entry: string;
  readonly spec: EngineSpec;
  readonly processes: number;
  /** A process that gives no answer for so long is killed and replaced. */
  readonly timeoutMs: number;
  /** Version of the model, named in faults. */
  readonly model: string;
  /** Called when a process was replaced, with how it ended. */
  readonly onLost?: (how: string) => void;
  /** Told with each task that is done: rows, sub-words and sub-words of padding of each of its runs, one after another. */
  readonly onRuns?: (runs: readonly number[]) => void;
}

/** Child processes that share one queue. */
export interface Pool {
  readonly ready: Ready;
  /**
   * One outcome for each post, in order, whatever becomes of the processes; never rejects.
   * Aborted, it ends at once: posts that were answered keep their answer, the others fail with the signal's reason.
   */
  run(works: readonly Work[], signal: AbortSignal): Promise<readonly Outcome<Answer>[]>;
  /** Ids of the living processes. */
  readonly pids: readonly number[];
  /** Ends the processes; posts that still wait fail. */
  close(): Promise<void>;
}

/** Tasks a process may hold: one that runs, and one that waits so that the process never idles. */
const DEPTH = 2;
/** A model that keeps ending its processes as they open is not started for ever. */
const MAX_FAILED_STARTS = 3;

interface Task {
  readonly id: number;
  readonly jobs: readonly Job[];
}

interface Slot {
  worker: Worker;
  tasks: Task[];
  ready: boolean;
  timer: NodeJS.Timeout | undefined;
  timedOut: boolean;
}

export async function openPool(options: PoolOptions): Promise<Pool> {
  const { entry, spec, timeoutMs, model } = options;
  const queue = createQueue();
  const slots: Slot[] = [];
  let closed = false;
  let failedStarts = 0;
  let nextId = 0;
  let grouping: Grouping = { batch: 1, overhead: 0 };

  const lost = (how: string): Fault => new Fault("TAGGER_CHILD_LOST", { model, how });

  function start(slot?: Slot): Slot {
    const fresh: Slot = slot ?? {
      worker: undefined as never,
      tasks: [],
      ready: false,
      timer: undefined,
      timedOut: false,
    };
    const onDone = (id: number, sent: SentReplies, runs: readonly number[]) => {
      options.onRuns?.(runs);
      finish(fresh, id, sent);
    };
    const worker = startWorker({ entry, spec, onDone });
    Object.assign(fresh, { worker, tasks: [], ready: false, timedOut: false });
    worker.ready.then(
      () => {
        failedStarts = 0;
        fresh.ready = true;
        dispatch();
      },
      () => worker.kill(),
    );
    void worker.ended.then((how) => replace(fresh, how));
    return fresh;
  }

  function dispatch(): void {
    for (let depth = 1; depth <= DEPTH; depth++)
      for (const slot of slots)
        if (slot.ready && slot.tasks.length < depth && queue.length > 0 && !runsLong(slot))
          give(slot, queue.take(share(), grouping));
  }

  /** Nothing waits behind a long post while another process may come free. */
  const runsLong = ({ tasks }: Slot): boolean => tasks.some(({ jobs }) => jobs.some(isLong));

  /** Few posts are shared out evenly; many are taken run by run, so that each run finds the most to choose from. */
  const share = (): number => Math.max(1, Math.min(grouping.batch, Math.ceil(queue.length / slots.length)));

  function give(slot: Slot, jobs: readonly Job[]): void {
    const task = { id: nextId++, jobs };
    slot.tasks.push(task);
    if (slot.tasks.length === 1) watch(slot);
    slot.worker.send(
      task.id,
      jobs.map(({ work }) => work),
    );
  }

  /** The clock runs from the moment a task is first in its process. */
  function watch(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timer = slot.tasks.length === 0 ? undefined : setTimeout(() => hang(slot), timeoutMs);
  }

  function hang(slot: Slot): void {
    slot.timedOut = true;
    slot.worker.kill();
  }

  function finish(slot: Slot, id: number, sent: SentReplies): void {
    if (slot.tasks[0]?.id !== id) return;
    const { jobs } = slot.tasks.shift()!;
    const replies = readReplies(sent, jobs.length);
    for (const [index, job] of jobs.entries()) job.resolve(toOutcome(replies[index]!));
    watch(slot);
    dispatch();
  }

  function replace(slot: Slot, how: string): void {
    clearTimeout(slot.timer);
    if (closed) return;
    if (!slot.ready && ++failedStarts >= MAX_FAILED_STARTS) {
      giveUp(how);
      return;
    }
    settleLost(slot, how);
    options.onLost?.(slot.timedOut ? `no answer for ${timeoutMs} ms` : how);
    start(slot);
  }

  /** What ran when the process ended is run again, alone and once; what only waited in it waits again. */
  function settleLost(slot: Slot, how: string): void {
    const [running, ...waiting] = slot.tasks;
    slot.tasks = [];
    const again: Job[] = [];
    for (const job of running?.jobs ?? []) {
      if (slot.timedOut) job.resolve(fail(new Fault("TAGGER_TIMEOUT", { model, afterMs: timeoutMs })));
      else if (job.retried) job.resolve(fail(lost(how)));
      else again.push(Object.assign(job, { retried: true }));
    }
    queue.putBack([...again, ...waiting.flatMap(({ jobs }) => jobs)]);
  }

  function giveUp(how: string): void {
    closed = true;
    for (const slot of slots) slot.worker.kill();
    failAll(lost(how));
  }

  function failAll(error: Error): void {
    for (const job of [...slots.flatMap(({ tasks }) => tasks.flatMap(({ jobs }) => jobs)), ...queue.drain()])
      job.resolve(fail(error));
    for (const slot of slots) slot.tasks = [];
  }

  async function close(): Promise<void> {
    closed = true;
    for (const slot of slots) {
      clearTimeout(slot.timer);
      slot.worker.kill();
    }
    failAll(new Fault("TAGGER_CLOSED", { model }));
    await Promise.all(slots.map(({ worker }) => worker.ended));
  }

  for (let index = 0; index < options.processes; index++) slots.push(start());
  const ready = await Promise.all(slots.map(({ worker }) => worker.ready)).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  grouping = groupingOf(ready[0]!);

  return {
    ready: ready[0]!,
    get pids() {
      return slots.flatMap(({ worker }) => worker.pid ?? []);
    },
    run(works, signal) {
      if (works.length === 0) return Promise.resolve([]);
      if (closed) return Promise.resolve(works.map(() => fail(new Fault("TAGGER_CLOSED", { model }))));
      if (signal.aborted) return Promise.resolve(works.map(() => fail(abortError(signal))));
      return new Promise((resolve) => {
        const call = collect(works, (outcomes) => {
          signal.removeEventListener("abort", stop);
          resolve(outcomes);
        });
        const stop = () => {
          queue.remove(new Set(call.jobs));
          for (const { resolve: answer } of call.jobs) answer(fail(abortError(signal)));
        };
        signal.addEventListener("abort", stop, { once: true });
        for (const job of call.jobs.toSorted((a, b) => Number(isLong(a)) - Number(isLong(b)))) queue.add(job);
        queueMicrotask(dispatch);
      });
    },
    close,
  };
}

/** Jobs of one call, and their outcomes once the last has come; only the first answer to a job counts. */
function collect(works: readonly Work[], done: (outcomes: readonly Outcome<Answer>[]) => void): { jobs: Job[] } {
  const outcomes = new Array<Outcome<Answer> | undefined>(works.length).fill(undefined);
  let open = works.length;
  const jobs = works.map((work, index) => ({
    work,
    size: sizeOf(work),
    retried: false,
    resolve(outcome: Outcome<Answer>) {
      if (outcomes[index] !== undefined) return;
      outcomes[index] = outcome;
      if (--open === 0) done(outcomes as Outcome<Answer>[]);
    },
  }));
  return { jobs };
}

const sizeOf = ({ rows }: Work): number => rows.reduce((sum, { ids }) => sum + ids.length, 0);

const abortError = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error(String(reason)));

const toOutcome = (reply: Reply): Outcome<Answer> =>
  "answer" in reply ? ok(reply.answer) : fail(receiveFault(reply.fault));
