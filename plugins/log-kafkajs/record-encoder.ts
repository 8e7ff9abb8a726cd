import { createRequire } from "node:module";

/** What the client hands over for one record of a batch. */
export interface RawRecord {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[] | undefined>>;
}
type Bytes = Buffer | string;

/** What the client's encoder takes for one of its own. */
export interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
  readonly offset: number;
  size(): number;
}

const path = "kafkajs/src/protocol/recordBatch/record/v0/index.js";

/** The client's own; to be held against. */
export let originalRecord: (record: RawRecord) => { readonly buffer: Buffer };

/**
 * The client makes a buffer of 512 bytes, filled with zeros, for each header and each record, and copies them twice: a
 * third of a worker's time. Here a record is one buffer of its own length. The client loads this part of itself with its
 * first write, so it is exchanged before.
 */
export function mendRecords(): void {
  const require = createRequire(import.meta.url);
  if (originalRecord !== undefined) return;
  originalRecord = require(path) as typeof originalRecord;
  const cached = require.cache[require.resolve(path)];
  if (typeof originalRecord !== "function" || cached === undefined)
    throw new TypeError("kafkajs has no records to mend");
  cached.exports = encodeRecord;
}

export function encodeRecord({ offsetDelta = 0, timestampDelta = 0, key, value, headers = {} }: RawRecord): Encoded {
  const pairs: (readonly [string, Bytes])[] = [];
  for (const name of Object.keys(headers)) {
    const given = headers[name];
    if (Array.isArray(given)) for (const one of given as readonly Bytes[]) pairs.push([name, one]);
    else pairs.push([name, given as Bytes]);
  }
  let body = 1 + varSize(timestampDelta) + varSize(offsetDelta) + fieldSize(key) + fieldSize(value);
  body += varSize(pairs.length);
  for (const [name, one] of pairs) body += fieldSize(name) + fieldSize(one);
  const buf = Buffer.allocUnsafe(varSize(body) + body);
  let at = writeVar(buf, 0, body);
  buf[at++] = 0; // attributes, of which there are none
  at = writeVar(buf, at, timestampDelta);
  at = writeVar(buf, at, offsetDelta);
  at = writeField(buf, at, key);
  at = writeField(buf, at, value);
  at = writeVar(buf, at, pairs.length);
  for (const [name, one] of pairs) at = writeField(buf, writeField(buf, at, name), one);
  return { buf, buffer: buf, offset: at, size: () => at };
}

const lengthOf = (field: Bytes) => (typeof field === "string" ? Buffer.byteLength(field) : field.length);

function fieldSize(field: Bytes | null | undefined): number {
  if (field === null || field === undefined) return 1;
  const length = lengthOf(field);
  return varSize(length) + length;
}

function writeField(buf: Buffer, at: number, field: Bytes | null | undefined): number {
  if (field === null || field === undefined) return writeVar(buf, at, -1);
  const start = writeVar(buf, at, lengthOf(field));
  if (typeof field === "string") return start + buf.write(field, start);
  buf.set(field, start);
  return start + field.length;
}

/** Zigzag: small numbers stay small, whatever their sign. Times apart may be long, so no bits are shifted. */
const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);

function varSize(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

function writeVar(buf: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  let next = at;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) buf[next++] = (rest % 128) | 0x80;
  buf[next++] = rest;
  return next;
}
