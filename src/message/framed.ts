import { Fault } from "../errors.ts";
import { asError } from "../flow/transit.ts";
import { fail, type Outcome, ok } from "../outcome.ts";
import { type Place, parseJson } from "../schema/decode.ts";
import { bufferOf, textOf } from "./message.ts";
import type { RegisteredSchema } from "./registry.ts";

const HEAD_BYTES = 5;

/** Whether bytes begin as Confluent's serialisers write them; JSON never does. */
export const isFramed = (bytes: Uint8Array): boolean => bytes.length >= HEAD_BYTES && bytes[0] === 0;

/** A zero byte, the schema's number in four bytes, the body. */
export interface Framed {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Fails with SCHEMA_HEAD_MISSING. */
export function unframe(bytes: Uint8Array, place: Place): Outcome<Framed> {
  if (!isFramed(bytes)) return fail(new Fault("SCHEMA_HEAD_MISSING", { where: place.where() }));
  return ok({ id: bufferOf(bytes).readUInt32BE(1), body: bytes.subarray(HEAD_BYTES) });
}

/** What a body says, as plain data. Fails with SCHEMA_UNFIT, or as JSON does. */
export function bodyValue(schema: RegisteredSchema, body: Uint8Array, place: Place): Outcome<unknown> {
  if (schema.type === "json") {
    const text = textOf(body, place);
    return text.kind === "ok" ? parseJson(text.value, place) : text;
  }
  try {
    return ok(schema.read(body));
  } catch (cause) {
    const details = { where: place.where(), id: schema.id, reason: asError(cause).message };
    return fail(new Fault("SCHEMA_UNFIT", details, { cause }));
  }
}

/** A value as bytes with the schema's number in front; throws where the value does not fit the schema. */
export function frame(schema: RegisteredSchema, value: unknown): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(schema.id, 1);
  return Buffer.concat([head, schema.type === "avro" ? schema.write(value) : Buffer.from(JSON.stringify(value))]);
}
