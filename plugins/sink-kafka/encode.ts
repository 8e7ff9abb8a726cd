import { Fault, fail, frame, type NewRecord, type Outcome, type Output, ok, type RegisteredSchema } from "starling-ner";
import type { Options } from "./options.ts";

/** What a record takes beside its key, value and headers, at most: batch, lengths, times. */
const OVERHEAD_BYTES = 128;
const PER_HEADER_BYTES = 10;

/** Headers of the post that say how its own bytes are to be read; they would be wrong beside an event. */
const notCarried = /^(content-type|ce_.*|starling-.*)$/i;

export interface EncodeRules extends Pick<Options, "topic" | "partitionBy"> {
  /** What the topic takes, as far as it is known. */
  readonly maxBytes: number | undefined;
  /** Events are written by it; dead letters are always JSON. */
  readonly schema?: RegisteredSchema | undefined;
}

/** The record of an event or a dead letter; one that is too large for its topic fails. */
export function encode(output: Output, rules: EncodeRules): Outcome<NewRecord> {
  const { topic, maxBytes } = rules;
  try {
    const made = recordOf(output, rules);
    if (maxBytes === undefined || sizeOf(made, atMost) <= maxBytes) return ok(made);
    const bytes = sizeOf(made, Buffer.byteLength);
    if (bytes <= maxBytes) return ok(made);
    return fail(new Fault("LOG_RECORD_TOO_LARGE", { topic, bytes, maxBytes }));
  } catch (error) {
    return fail(error as Error);
  }
}

function recordOf(output: Output, rules: EncodeRules): NewRecord {
  const { record } = output;
  const { topic, partitionBy } = rules;
  const schema = record.schema === "starling.entities/1" ? rules.schema : undefined;
  return {
    topic,
    key: record.key,
    value: schema === undefined ? JSON.stringify(record) : frame(schema, record),
    headers: headersOf(output, schema === undefined ? "application/json" : "application/octet-stream"),
    ...placeOf(output, partitionBy),
  };
}

function headersOf({ origin, record }: Output, contentType: string): Record<string, string> {
  const headers: Record<string, string> = {};
  // Those that a dead letter leaves out are not beside it either.
  const carried = record.schema === "starling.dead-letter/1" ? record.origin.headers : origin.headers;
  for (const name in carried) if (!notCarried.test(name)) headers[name] = carried[name]!;
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

type LengthOf = (text: string) => number;
/** UTF-8 needs at most three bytes for a unit, and most records are far from the limit. */
const atMost: LengthOf = (text) => text.length * 3;

/** At least as many bytes as the record has. */
function sizeOf({ key, value, headers }: NewRecord, lengthOf: LengthOf): number {
  let bytes = OVERHEAD_BYTES + lengthOf(key as string) + lengthOf(value as string);
  for (const name in headers) bytes += lengthOf(name) + lengthOf(headers[name] as string) + PER_HEADER_BYTES;
  return bytes;
}
