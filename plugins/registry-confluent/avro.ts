import avsc from "avsc";
import type { AvroSchema } from "starling-ner";
import { countsCheck } from "./counts.ts";

const { Type, types } = avsc;

/** Times come as RFC 3339, as a post has them. */
const timeOf = (perSecond: number) =>
  class extends types.LogicalType {
    protected override _fromValue(value: number) {
      return new Date((value * 1000) / perSecond).toISOString();
    }
    protected override _toValue(time: unknown) {
      const ms = typeof time === "string" ? Date.parse(time) : Number.NaN;
      return Number.isNaN(ms) ? undefined : (ms * perSecond) / 1000;
    }
    protected override _resolve() {
      return undefined;
    }
  };

const logicalTypes = { "timestamp-millis": timeOf(1e3), "timestamp-micros": timeOf(1e6) };

/** Compiles an Avro schema, after those that it refers to. Throws where one is broken. */
export function avroSchema(id: number, schema: string, references: readonly string[] = []): AvroSchema {
  const registry = {};
  const compile = (text: string) => Type.forSchema(JSON.parse(text), { registry, logicalTypes });
  for (const reference of references) compile(reference);
  const type = compile(schema);
  const check = countsCheck(type);
  return {
    id,
    type: "avro",
    read(body) {
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      check?.(bytes);
      return plain(type.fromBuffer(bytes));
    },
    write: (value) => type.toBuffer(value),
  };
}

/** As JSON would have it; an absent field of an Avro record is a null. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}
