import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { type BatchFile, type Line, readBatchFile } from "./batch-file.ts";
import { bodyOf, json, refuse } from "./http.ts";

/** What came of one request of a batch. */
export type BatchLine = { readonly status: number; readonly body: object } | { readonly expired: true };

interface Options {
  readonly batchMs: number;
  /** Answers the body of one request. */
  answer(body: unknown): BatchLine;
  begun(): void;
}

const createShape = z.object({
  input_file_id: z.string(),
  endpoint: z.literal("/v1/chat/completions"),
  completion_window: z.literal("24h"),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
});

interface Batch extends BatchFile {
  readonly id: string;
  readonly input: string;
  readonly metadata: object | null;
  readonly createdMs: number;
  status: "in_progress" | "completed" | "expired" | "cancelled" | "failed";
  output?: string;
  failures?: string;
  counts: { total: number; completed: number; failed: number };
}

/**
 * Files and batches as OpenAI's Batch API has them; answers a request whose path is one of theirs, and tells whether it was. A batch
 * is answered when its time is over and somebody looks.
 */
export function batchRoutes({ batchMs, answer, begun }: Options) {
  const files = new Map<string, { readonly name: string; readonly purpose: string; readonly text: string }>();
  const batches = new Map<string, Batch>();
  const keep = (name: string, purpose: string, text: string): string => {
    const id = `file-dev-${files.size + 1}`;
    files.set(id, { name, purpose, text });
    return id;
  };

  /** Answers the requests of a batch whose time is over. */
  const advance = (batch: Batch): void => {
    if (batch.status !== "in_progress" || Date.now() - batch.createdMs < batchMs) return;
    end(batch, "completed", (line) => answer(line.body));
  };
  const end = (batch: Batch, status: Batch["status"], resultOf: (line: Line) => BatchLine): void => {
    const [output, failures]: [object[], object[]] = [[], []];
    let expired = false;
    for (const [i, line] of batch.lines.entries()) {
      const result = resultOf(line);
      const head = { id: `batch_req_${i}`, custom_id: line.custom_id };
      if ("expired" in result) {
        expired = true;
        const error = {
          code: `batch_${status === "cancelled" ? status : "expired"}`,
          message: "This request was not executed",
        };
        failures.push({ ...head, response: null, error });
        continue;
      }
      const response = { status_code: result.status, request_id: `req_${i}`, body: result.body };
      (result.status < 400 ? output : failures).push({ ...head, response, error: null });
    }
    batch.status = expired && status === "completed" ? "expired" : status;
    batch.counts = { total: batch.lines.length, completed: output.length, failed: failures.length };
    // In any order: a caller goes by custom_id.
    if (output.length > 0) batch.output = keep(`${batch.id}_output.jsonl`, "batch_output", linesOf(output.reverse()));
    if (failures.length > 0) batch.failures = keep(`${batch.id}_error.jsonl`, "batch_output", linesOf(failures));
  };

  const create = (given: unknown, response: ServerResponse): void => {
    const { success, data, error } = createShape.safeParse(given);
    const wrong = (what: string) => refuse(response, 400, what, "invalid_request_error");
    if (!success) return void wrong(`${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
    const file = files.get(data.input_file_id);
    if (file?.purpose !== "batch") return void wrong("there is no such file of a batch");
    const { lines, errors } = readBatchFile(file.text);
    const batch: Batch = {
      id: `batch_dev_${batches.size + 1}`,
      input: data.input_file_id,
      metadata: data.metadata ?? null,
      createdMs: Date.now(),
      status: errors.length > 0 ? "failed" : "in_progress",
      lines,
      errors,
      counts: { total: lines.length, completed: 0, failed: 0 },
    };
    batches.set(batch.id, batch);
    begun();
    json(response, 200, told(batch));
  };

  return async (path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const [, kind, id, verb] = /^(?:GET|POST) \/v1\/(files|batches)(?:\/([\w-]+)(?:\/(\w+))?)?$/.exec(path) ?? [];
    if (kind === undefined) return false;
    const post = path.startsWith("POST");
    if (kind === "files" && post && id === undefined) await upload(request, response);
    else if (kind === "files" && !post && id !== undefined) {
      const file = files.get(id);
      if (file === undefined) refuse(response, 404, `No such File object: ${id}`, "not_found");
      else if (verb === "content")
        response.writeHead(200, { "content-type": "application/octet-stream" }).end(file.text);
      else json(response, 200, fileTold(id, file));
    } else if (kind === "batches" && post && id === undefined) create(await jsonOf(request), response);
    else if (kind === "batches" && id === undefined) list(response);
    else if (kind === "batches" && id !== undefined) one(id, post && verb === "cancel", response);
    else return false;
    return true;
  };

  async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = { "content-type": request.headers["content-type"] ?? "" };
    const form = await new Response(new Uint8Array(await bodyOf(request)), { headers })
      .formData()
      .catch(() => undefined);
    const [file, purpose] = [form?.get("file"), form?.get("purpose")];
    if (!(file instanceof Blob) || typeof purpose !== "string")
      return refuse(response, 400, "a form with file and purpose is wanted", "invalid_request_error");
    const id = keep((file as File).name, purpose, await file.text());
    json(response, 200, fileTold(id, files.get(id)!));
  }

  function list(response: ServerResponse): void {
    for (const batch of batches.values()) advance(batch);
    const data = [...batches.values()].reverse().map(told);
    json(response, 200, { object: "list", data, has_more: false });
  }

  function one(id: string, cancel: boolean, response: ServerResponse): void {
    const batch = batches.get(id);
    if (batch === undefined) return void refuse(response, 404, `No batch found with id '${id}'`, "not_found");
    if (cancel && batch.status === "in_progress") end(batch, "cancelled", () => ({ expired: true }));
    advance(batch);
    json(response, 200, told(batch));
  }
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const body = (await bodyOf(request)).toString("utf8");
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const linesOf = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");

const fileTold = (id: string, { name, purpose, text }: { name: string; purpose: string; text: string }) => ({
  id,
  object: "file",
  bytes: Buffer.byteLength(text),
  created_at: 0,
  filename: name,
  purpose,
  status: "processed",
});

const told = ({ id, input, metadata, createdMs, status, errors, output, failures, counts }: Batch) => ({
  id,
  object: "batch",
  endpoint: "/v1/chat/completions",
  errors: errors.length > 0 ? { object: "list", data: errors } : null,
  input_file_id: input,
  completion_window: "24h",
  status,
  output_file_id: output ?? null,
  error_file_id: failures ?? null,
  created_at: Math.floor(createdMs / 1000),
  request_counts: counts,
  metadata,
});
