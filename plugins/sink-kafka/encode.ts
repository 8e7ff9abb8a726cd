import {
  type DeadLetter,
  Fault,
  fail,
  frame,
  type NewRecord,
  type Outcome,
  type Output,
  ok,
  type RegisteredSchema,
} from "starling-ner";
import type { Options } from "./options.ts";

/** What a record takes beside its key, value and headers, at most: batch, lengths, times. */
const OVERHEAD_BYTES = 128;
const PER_HEADER_BYTES = 10;
/** Headers are never so long that this would not leave room for them. */
const NEAR_BYTES = 65_536;

/** Headers of the post that say how its own bytes are to be read; they would be wrong beside an event. */
const notCarried = /^(content-type|ce_.*|starling-.*)$/i;

export interface EncodeRules extends Pick<Options, "topic" | "partitionBy"> {
  /** What the topic takes, as far as it is known. */
  readonly maxBytes: number | undefined;
  /** Events are written by it; dead letters are always JSON. */
  readonly schema?: RegisteredSchema | undefined;
}

/** The record of an event or a dead letter. An event too large for its topic fails; a letter leaves the bytes out. */
export function encode(output: Output, rules: EncodeRules): Outcome<NewRecord> {
  const { topic, maxBytes } = rules;
  try {
    const made = recordOf(output, output.record, rules);
    // UTF-8 needs at most three bytes for a unit; most records are far from the limit.
    if (maxBytes !== undefined && (made.value as string).length * 4 + NEAR_BYTES < maxBytes) return ok(made);
    const bytes = sizeOf(made);
    if (maxBytes === undefined || bytes <= maxBytes) return ok(made);
    return withoutBytes(output, rules) ?? fail(new Fault("LOG_RECORD_TOO_LARGE", { topic, bytes, maxBytes }));
  } catch (error) {
    return fail(error as Error);
  }
}

/** A dead letter without the original bytes, which stay where its origin says; undefined for what is none. */
export function withoutBytes(output: Output, rules: EncodeRules): Outcome<NewRecord> | undefined {
  const { record } = output;
  if (record.schema !== "starling.dead-letter/1" || record.bytes === "") return undefined;
  const short: DeadLetter = { ...record, bytes: "", leftOut: Buffer.from(record.bytes, "base64").length };
  return ok(recordOf(output, short, rules));
}

function recordOf(output: Output, record: Output["record"], rules: EncodeRules): NewRecord {
  const { topic, partitionBy } = rules;
  const schema = record.schema === "starling.entities/1" ? rules.schema : undefined;
  return {
    topic,
    key: record.key,
    value: schema === undefined ? JSON.stringify(record) : frame(schema, record),
    headers: headersOf(output, record, schema === undefined ? "application/json" : "application/octet-stream"),
    ...placeOf(output, partitionBy),
  };
}

function headersOf({ origin }: Output, record: Output["record"], contentType: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in origin.headers) if (!notCarried.test(name)) headers[name] = origin.headers[name]!;
  headers["content-type"] = contentType;
  headers["starling-key"] = record.key;
  headers["starling-schema"] = record.schema;
  if (record.schema === "starling.dead-letter/1") {
    headers["starling-stage"] = record.stage;
    headers["starling-code"] = record.code;
    headers["starling-attempts"] = String(record.attempts);
  } else {
    headers["starling-model"] = record.model;
    headers["starling-revision"] = String(record.revision);
  }
  return headers;
}

/** Posts without an author are spread by their own key. */
function placeOf({ origin, post }: Output, by: Options["partitionBy"]): Pick<NewRecord, "by"> {
  if (by === "author" && post?.author !== undefined) return { by: post.author.handle };
  return by === "origin" ? { by: origin.lane } : {};
}

/** At least as many bytes as the record has: exact for its value, the longest for the rest. */
function sizeOf({ key, value, headers }: NewRecord): number {
  let bytes = OVERHEAD_BYTES + (key as string).length * 3 + Buffer.byteLength(value as string);
  for (const name in headers) bytes += Buffer.byteLength(name) + headers[name]!.length * 3 + PER_HEADER_BYTES;
  return bytes;
}
