import { rm } from "node:fs/promises";
import { z } from "zod";
import type { ChatAnswer } from "../chat.ts";
import { Fault, type FaultCode, type FaultDetails, faults, isFault } from "../errors.ts";
import { endWhole, openToGoOn, readLines } from "./go-on.ts";

const answerShape = z.object({
  text: z.string(),
  structured: z.boolean(),
  finish: z.enum(["stop", "length", "refusal"]),
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }),
  usd: z.number(),
});
const lineShape = z.union([
  z.strictObject({
    batch: z.string(),
    model: z.string(),
    resource: z.string().optional(),
    keys: z.array(z.string()),
  }),
  z.strictObject({ batch: z.string(), id: z.string() }),
  z.strictObject({ batch: z.string(), dropped: z.literal(true) }),
  z.strictObject({ batch: z.string(), key: z.string(), answer: answerShape }),
  z.strictObject({
    batch: z.string(),
    key: z.string(),
    fault: z.object({ code: z.string().refine((code) => code in faults), details: z.unknown() }),
  }),
  z.strictObject({ batch: z.string(), ended: z.string() }),
  z.strictObject({ unread: z.array(z.string()) }),
]);
type Line = z.output<typeof lineShape>;

/** A batch that was to be begun and has not been read yet; without `id` nobody knows whether it began. */
export interface OpenBatch {
  readonly name: string;
  readonly model: string;
  /** The config's name of whom it was asked by: two may have one model, each with a guard of its own. */
  readonly resource?: string | undefined;
  readonly keys: readonly string[];
  readonly id: string | undefined;
}

/** What came of a question, and in how many batches it was asked. */
export interface Result {
  readonly came: ChatAnswer | Fault;
  readonly times: number;
}

export interface BatchLog {
  readonly file: string;
  /** By the question's key; of earlier runs the answers alone. */
  readonly results: ReadonlyMap<string, Result>;
  readonly open: () => readonly OpenBatch[];
  /** Whether it has what is lost with the file: a batch that may be under way, or an answer. */
  holds(): boolean;
  /** Before anything is sent: whoever opens the file next knows that a batch of that name may be under way. */
  intend(batch: Omit<OpenBatch, "id">): Promise<void>;
  begun(name: string, id: string): Promise<void>;
  /** It never began. */
  dropped(name: string): Promise<void>;
  ended(name: string, status: string, came: ReadonlyMap<string, ChatAnswer | Fault>): Promise<void>;
  /**
   * A stage could make nothing of the answer to this question: the next run does not find it here, and asks anew. In this one it
   * stays, for the same question would end the same way round after round.
   */
  unread(key: string): void;
  /** Closes the file; takes it away where all it holds is written elsewhere, or it holds nothing. */
  close(options: { readonly done: boolean }): Promise<void>;
}

/**
 * Opens the file that remembers batches between runs, made where it is missing. Each step is on the disk before the next one
 * begins, and what a crash left half written is taken off: so no run asks again what another one has paid for. With `readOnly`
 * it is only looked at, and nothing may be added. Throws DATA_MALFORMED where it holds something else, OUTPUT_FAILED where it
 * cannot be written.
 */
export async function openBatchLog(
  file: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<BatchLog> {
  const handle = await openToGoOn(file, readOnly);
  const batches = new Map<string, OpenBatch & { read: boolean }>();
  const results = new Map<string, Result>();
  const coming = new Map<string, Map<string, ChatAnswer | Fault>>();
  const unread = new Set<string>();

  const take = (line: Line): void => {
    if ("unread" in line) {
      for (const key of line.unread) results.delete(key);
      return;
    }
    const name = line.batch;
    const { model, resource, keys } = line as Partial<OpenBatch>;
    if (keys !== undefined) batches.set(name, { name, model: model!, resource, keys, id: undefined, read: false });
    else if ("id" in line) batches.set(name, { ...batches.get(name)!, id: line.id });
    else if ("dropped" in line) batches.delete(name);
    else if ("key" in line) {
      const came = coming.get(name) ?? new Map();
      coming.set(name, came.set(line.key, "answer" in line ? line.answer : faultOf(line.fault)));
    } else end(name);
  };
  const end = (name: string): void => {
    for (const [key, came] of coming.get(name) ?? [])
      results.set(key, { came, times: (results.get(key)?.times ?? 0) + 1 });
    const batch = batches.get(name);
    if (batch) batches.set(name, { ...batch, read: true });
  };
  const write = async (lines: readonly Line[]): Promise<void> => {
    for (let at = 0; at < lines.length; at += 1000)
      await handle!.appendFile(
        lines
          .slice(at, at + 1000)
          .map((line) => `${JSON.stringify(line)}\n`)
          .join(""),
      );
    await handle!.sync();
    for (const line of lines) take(line);
  };
  const open = () => [...batches.values()].filter(({ read }) => !read);
  const holds = () => open().length > 0 || [...results].some(([key, { came }]) => !isFault(came) && !unread.has(key));

  try {
    if (handle !== undefined) {
      const ending = await readLines(handle, file, (line, number) => {
        if (line === "") return;
        const read = parsed(line, file, number);
        if ("id" in read && !batches.has(read.batch))
          throw malformed(file, number, "tells the id of a batch that no line before it begins");
        take(read);
      });
      if (!readOnly) await endWhole(handle, ending);
    }
    // What failed in an earlier run may do better in this one.
    for (const [key, { came }] of results) if (isFault(came)) results.delete(key);
  } catch (error) {
    await handle?.close();
    throw error;
  }
  return {
    file,
    results,
    open,
    holds,
    intend: ({ name, model, resource, keys }) => write([{ batch: name, model, resource, keys: [...keys] }]),
    begun: (name, id) => write([{ batch: name, id }]),
    dropped: (name) => write([{ batch: name, dropped: true }]),
    ended: (name, status, came) =>
      write([...[...came].map(([key, one]) => resultLine(name, key, one)), { batch: name, ended: status }]),
    unread: (key) => void unread.add(key),
    async close({ done }) {
      const gone = done || !holds();
      try {
        if (!readOnly && !gone && unread.size > 0) await write([{ unread: [...unread] }]);
      } finally {
        await handle?.close();
      }
      if (!readOnly && gone) await rm(file, { force: true });
    },
  };
}

function resultLine(batch: string, key: string, came: ChatAnswer | Fault): Line {
  if (isFault(came)) return { batch, key, fault: { code: came.code, details: came.details } };
  const { text, structured, finish, usage, usd } = came;
  return { batch, key, answer: { text, structured, finish, usage: { ...usage }, usd } };
}

const faultOf = ({ code, details }: { readonly code: string; readonly details: unknown }): Fault =>
  new Fault(code as FaultCode, details as FaultDetails<FaultCode>);

function parsed(text: string, file: string, line: number): Line {
  try {
    return lineShape.parse(JSON.parse(text));
  } catch (error) {
    throw malformed(file, line, "no line of a file that remembers batches", error);
  }
}

const malformed = (file: string, line: number, cause: string, error?: unknown): Fault =>
  new Fault("DATA_MALFORMED", { file, line, cause, fix: "move it away" }, { cause: error });
