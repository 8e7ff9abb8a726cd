import { randomUUID } from "node:crypto";
import { batchPrice, worstOf } from "../chat/batch-cost.ts";
import { isA, isPassing, peaceMs } from "../chat/kinds.ts";
import { neverBegan } from "../chat/paid-batches.ts";
import { pause } from "../chat/time.ts";
import type { Chat, ChatAnswer, ChatBatches, ChatBatchId, ChatBatchState, ChatRequest } from "../chat.ts";
import { counted } from "../counted.ts";
import { Fault } from "../errors.ts";
import type { BatchLog, OpenBatch } from "./batch-log.ts";
import { LONGEST_MS, wishOf } from "./patient.ts";

/** Between two looks at a batch at first, and what each wait grows by. */
const FIRST_MS = 1000;
const GROWTH = 1.5;
/** Before each look for a batch whose beginning was cut off: the server may still be at it. */
const SETTLE_MS = 5000;
/** Such looks before it counts as never begun. */
const SEARCHES = 3;
/** Tries to begin a batch. */
const BEGINNINGS = 3;
/** Calls that may fail in a row while a batch is waited for. */
const FAILURES = 20;

export interface Told {
  /** The longest time between two looks, in milliseconds. */
  readonly longestMs: number;
  say(line: string): void;
}

export interface Task {
  readonly chat: Chat;
  /** The config's name of it. */
  readonly resource: string;
  readonly batches: ChatBatches;
  readonly requests: ReadonlyMap<string, ChatRequest>;
  readonly log: BatchLog;
  readonly told: Told;
  readonly signal: AbortSignal;
  /** Goes on with this one, instead of a new one. */
  readonly open?: OpenBatch;
}

/**
 * One batch from its beginning to its results, each step written down before the next. Where `signal` aborts, the batch goes on
 * at the server, and another run may wait for it. False where the one to go on with never began.
 */
export async function carryOut(task: Task): Promise<boolean> {
  const { batches, requests, log, told, signal, open, chat } = task;
  const batch = open === undefined ? await begin(task) : await findAgain(task, open);
  if (batch === undefined) return false;
  const state = await ended(task, batch).catch((error: unknown) => {
    if (!isGone(error))
      told.say(
        `${batch.id} goes on at the server; start again to wait for it. It is paid for${worstOfAll(task)} also where ${log.file} is deleted, and all it was asked costs again then`,
      );
    throw lost(task, batch, error);
  });
  const found = await patiently(task, () => batches.fetch(batch, requests, signal)).catch((error: unknown) => {
    throw lost(task, batch, error);
  });
  const came = new Map(found);
  for (const key of open?.keys ?? requests.keys()) if (!came.has(key)) came.set(key, left(chat.model, batch.id, state));
  await log.ended(batch.name, state.status, came);
  told.say(tellEnd(batch, state, came));
  return true;
}

/** Whether the server knows nothing of what it is asked for. */
const isGone = (error: unknown): boolean =>
  isA(error, "CHAT_REFUSED") && (error.details.status === 404 || error.details.status === 410);

/** Says of a batch that is gone how to go on; what to throw. */
function lost({ told, log }: Task, { id }: ChatBatchId, error: unknown): unknown {
  if (isGone(error))
    told.say(
      `the server does not have ${id} (any more, or not for this key). Where it stays away, delete ${log.file}: that gives the batch up, and with it the answers in the file that are not recorded`,
    );
  return error;
}

/** Hands the requests over. Where the answer to that is lost, it looks for the batch before it tries again. */
async function begin(task: Task): Promise<ChatBatchId> {
  const { chat, resource, requests, log, told } = task;
  const name = `starling-${randomUUID()}`;
  await log.intend({ name, model: chat.model, resource, keys: [...requests.keys()] });
  const id = await handedOver(task, name);
  await log.begun(name, id);
  told.say(`${id}: ${counted(requests.size, "question")} to ${chat.model}${worstOfAll(task)}`);
  return { name, id, size: requests.size };
}

function worstOfAll({ chat, batches, requests }: Task): string {
  const price = batchPrice(chat, batches);
  return price === undefined ? "" : `, at most ${worstOf(requests.values(), price).toFixed(4)} USD`;
}

async function handedOver(task: Task, name: string): Promise<string> {
  const { batches, requests, log, signal } = task;
  let waitedMs = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      // Not ended by a stop: a batch that nobody knows of would be paid for in vain.
      return await batches.begin(name, requests, new AbortController().signal);
    } catch (error) {
      const never = neverBegan(error);
      waitedMs += peaceMs(error);
      const again = attempt < BEGINNINGS && isPassing(error) && waitedMs <= LONGEST_MS;
      tellPeace(task, peaceMs(error), again);
      const stopped = again && (await paused(FIRST_MS * attempt + peaceMs(error), signal));
      if (never && (stopped || !again)) await log.dropped(name);
      if (stopped) throw signal.reason;
      if (!again) throw error;
      const id = never ? undefined : await sought(task, name);
      if (id !== undefined) return id;
    }
  }
}

/** Whether a stop ended the pause. */
const paused = (ms: number, signal: AbortSignal): Promise<boolean> =>
  pause(ms, signal).then(
    () => false,
    () => true,
  );

function tellPeace({ chat, requests, told }: Task, ms: number, again: boolean): void {
  if (ms === 0) return;
  const questions = counted(requests.size, "question");
  const then = again ? `waiting, with ${questions} to hand over` : `${questions} wait for another start, from then on`;
  told.say(`${wishOf(chat.model, ms)}: ${then}`);
}

/** The batch of an earlier run; undefined where it never began. */
async function findAgain(task: Task, { name, id, keys }: OpenBatch): Promise<ChatBatchId | undefined> {
  const { batches, log, told } = task;
  if (id !== undefined) {
    told.say(`${id} was begun before: waiting for it`);
    return { name, id, size: keys.length };
  }
  const found = await sought(task, name);
  if (found !== undefined) {
    await log.begun(name, found);
    return { name, id: found, size: keys.length };
  }
  // The money first: where this process ends in between, the next one does the same again.
  batches.forget?.(name);
  await log.dropped(name);
  return undefined;
}

/** The server's name of a batch whose beginning was cut off; undefined where it is not there at several looks. */
async function sought(task: Task, name: string): Promise<string | undefined> {
  for (let searches = 1; ; searches++) {
    await pause(SETTLE_MS, task.signal);
    const id = await patiently(task, () => task.batches.find(name, task.signal));
    if (id !== undefined || searches === SEARCHES) return id;
  }
}

async function ended(task: Task, batch: ChatBatchId): Promise<ChatBatchState> {
  const { batches, told, signal } = task;
  let done = 0;
  for (let waitMs = FIRST_MS; ; waitMs = waitMs * GROWTH) {
    const state = await patiently(task, () => batches.look(batch, signal));
    if (state.status !== "waiting") return state;
    if (state.done > done) told.say(`${batch.id}: ${state.done} of ${state.total} done`);
    done = state.done;
    await pause(Math.min(waitMs, told.longestMs), signal);
  }
}

/** A server that is gone for some minutes does not end a wait of hours. */
async function patiently<T>({ told, signal }: Task, work: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isPassing(error) || failures >= FAILURES) throw error;
      if (failures === 1) told.say(`${(error as Error).message}; trying again`);
      await pause(Math.max(peaceMs(error), Math.min(FIRST_MS * GROWTH ** failures, told.longestMs)), signal);
    }
  }
}

/** What a question got that the batch tells nothing of. */
const left = (model: string, batch: string, { status, reason }: ChatBatchState): Fault =>
  status === "completed"
    ? new Fault("CHAT_GARBLED", { model, reason: `${batch} has no line for this question` })
    : new Fault("CHAT_BATCH_ENDED", { model, batch, status, reason });

function tellEnd(
  { id }: ChatBatchId,
  { status, reason }: ChatBatchState,
  came: ReadonlyMap<string, ChatAnswer | Fault>,
) {
  const answers = [...came.values()].filter((one) => !(one instanceof Error)) as ChatAnswer[];
  const usd = answers.reduce((sum, one) => sum + one.usd, 0).toFixed(4);
  const why = reason === "" ? "" : ` (${reason})`;
  return `${id} ended as ${status}${why}: ${counted(answers.length, "answer")}, ${came.size - answers.length} without, ${usd} USD`;
}
