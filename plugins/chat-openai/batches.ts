import { toFile } from "openai";
import {
  type ChatAnswer,
  type ChatBatches,
  type ChatBatchState,
  type ChatPrice,
  type ChatRequest,
  Fault,
  type Host,
  z,
} from "starling-ner";
import { createClient } from "./client.ts";
import { faultOf, type Place, shownOf } from "./faults.ts";
import type { Options } from "./options.ts";
import { bodyOf } from "./request.ts";
import { readLines } from "./result-lines.ts";
import type { Schemas } from "./schemas.ts";
import { timed } from "./timed.ts";

/** OpenAI takes 50,000 requests and 200 MB in a file of a batch; it is held in memory a few times over, so half of that. */
const MAX_REQUESTS = 50_000;
const MAX_BYTES = 100_000_000;
/** Of a file of answers; a longer one is not read. */
const MAX_RESULT_BYTES = 256_000_000;
/** Files go up and come down within this time. */
const TRANSFER_MS = 600_000;
/** Batches that are looked through for one whose beginning was cut off; the newest come first. */
const MAX_LISTED = 10_000;
/** The field of a batch's metadata that holds the name it was begun under. */
const NAME = "starling";
/** What servers without batches answer. */
const UNKNOWN = new Set([404, 405, 501]);
/** Statuses of a batch that has not ended. */
const WAITING = new Set(["validating", "in_progress", "finalizing", "cancelling"]);

/** It is shown to people and sent back in a path. */
const idShape = z.string().regex(/^[\w.-]{1,200}$/, "is no name of letters, digits and . _ -");

/** What is read of a batch; servers leave out, or add, the rest. */
const batchShape = z.object({
  id: idShape,
  status: z.string(),
  output_file_id: idShape.nullish(),
  error_file_id: idShape.nullish(),
  errors: z
    .object({ data: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).nullish() })
    .nullish(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
type Batch = z.output<typeof batchShape>;

interface Parts {
  readonly settings: Options;
  readonly model: string;
  /** Of a request in a batch. */
  readonly price: ChatPrice | undefined;
  readonly schemas: Schemas;
  readonly host: Host;
}

/** OpenAI's Batch API: a file of requests goes up, a file of answers and one of errors come down within a day. */
export function createBatches({
  settings,
  model,
  price,
  schemas,
  host,
}: Parts): ChatBatches & { close(): Promise<void> } {
  const { openai, close } = createClient({ ...settings, maxBytes: MAX_RESULT_BYTES });
  const place = { model, apiKey: settings.apiKey };

  const call = <T>(signal: AbortSignal, timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    timed({ request: {}, signal, model, timeoutMs }, (signal) =>
      work(signal).catch((error: unknown) => {
        throw error instanceof Fault ? error : faultOf(error, place);
      }),
    );
  const lineOf = (key: string, request: ChatRequest): string => {
    const body = bodyOf(request, settings, request.schema !== undefined && schemas.taken);
    return `${JSON.stringify({ custom_id: key, method: "POST", url: "/v1/chat/completions", body })}\n`;
  };
  const retrieve = async (id: string, signal: AbortSignal): Promise<Batch> =>
    read(await call(signal, settings.timeoutMs, (signal) => openai.batches.retrieve(id, { signal })));
  const readAs = <T extends z.ZodType>(shape: T, what: string, given: unknown): z.output<T> => {
    const { success, data, error } = shape.safeParse(given);
    if (success) return data;
    const [issue] = error.issues;
    const reason = shownOf(`${what} ${issue!.path.join(".")}: ${issue!.message}`, place);
    throw new Fault("CHAT_GARBLED", { model, reason });
  };
  const read = (given: unknown): Batch => readAs(batchShape, "a batch's", given);

  return {
    ...(price !== undefined && { price }),
    maxRequests: MAX_REQUESTS,
    maxBytes: MAX_BYTES,
    bytesOf: (request) => Buffer.byteLength(lineOf("-".repeat(64), request)),
    close,
    begin: (name, requests, signal) =>
      withBatches(model, async () => {
        const file = await call(signal, TRANSFER_MS, async (signal) => {
          const lines = [...requests].map(([key, request]) => lineOf(key, request));
          return openai.files.create(
            { file: await toFile(new Blob(lines), `${name}.jsonl`), purpose: "batch" },
            { signal },
          );
        });
        const created = await call(signal, settings.timeoutMs, (signal) =>
          openai.batches.create(
            {
              input_file_id: readAs(z.object({ id: idShape }), "a file's", file).id,
              endpoint: "/v1/chat/completions",
              completion_window: "24h",
              metadata: { [NAME]: name },
            },
            { signal },
          ),
        );
        return read(created).id;
      }),
    find: (name, signal) =>
      withBatches(model, () =>
        call(signal, TRANSFER_MS, async (signal) => {
          let listed = 0;
          for await (const batch of openai.batches.list({ limit: 100 }, { signal })) {
            if (listed === MAX_LISTED) throw new Fault("CHAT_BATCH_UNKNOWN", { model, name, looked: listed });
            listed++;
            if (batch.metadata?.[NAME] === name) return read(batch).id;
          }
          return undefined;
        }),
      ),
    look: async ({ id }, signal) => stateOf(await retrieve(id, signal), place),
    async fetch({ id }, requests, signal) {
      const batch = await retrieve(id, signal);
      const answers = new Map<string, ChatAnswer | Fault>();
      const mayLeaveSchema = settings.structured === "auto" && schemas.taken;
      for (const file of [batch.error_file_id, batch.output_file_id]) {
        if (!file) continue;
        const text = await call(signal, TRANSFER_MS, async (signal) =>
          (await openai.files.content(file, { signal })).text(),
        );
        const asked = {
          ...place,
          batch: id,
          status: batch.status,
          requests,
          price,
          schemas,
          mayLeaveSchema,
        };
        for (const [key, one] of readLines(text, asked, host)) answers.set(key, one);
      }
      return answers;
    },
  };
}

async function withBatches<T>(model: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault && (error.code === "CHAT_REFUSED" || error.code === "CHAT_FAILED")) {
      const { status } = error.details as { status: number };
      if (UNKNOWN.has(status))
        throw new Fault("CHAT_NO_BATCHES", { model, reason: `its server answers ${status}` }, { cause: error });
    }
    throw error;
  }
}

/** Throws CHAT_GARBLED for a status that is none: whoever waits looks some times more, and not for ever. */
function stateOf({ status: told, errors, request_counts: counts }: Batch, place: Place): ChatBatchState {
  const reason = (errors?.data ?? [])
    .slice(0, 3)
    .map(({ code, message }) => shownOf(message ?? code ?? "", place))
    .join("; ");
  const status = told.toLowerCase();
  const ended = status === "completed" || status === "expired" || status === "cancelled" || status === "failed";
  if (!ended && !WAITING.has(status))
    throw new Fault("CHAT_GARBLED", {
      model: place.model,
      reason: `a batch's status is "${shownOf(told, place)}", which is none of a batch`,
    });
  return {
    status: ended ? status : "waiting",
    reason,
    done: (counts?.completed ?? 0) + (counts?.failed ?? 0),
    total: counts?.total ?? 0,
  };
}
