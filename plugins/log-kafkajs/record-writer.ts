/** What the client hands over for one record of a batch. */
export interface RawRecord {
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[] | undefined>>;
  readonly timestamp?: string | number | null;
}
type Bytes = Buffer | string;

/** Bytes of a record behind its own length. */
export function bodySize(record: RawRecord, offsetDelta: number, timestampDelta: number): number {
  const { key, value, headers } = record;
  let size = 1 + varSize(timestampDelta) + varSize(offsetDelta) + fieldSize(key) + fieldSize(value);
  let count = 0;
  for (const name in headers) {
    const given = headers[name];
    const values = Array.isArray(given) ? (given as readonly Bytes[]).length : 1;
    count += values;
    size += values * fieldSize(name);
    if (Array.isArray(given)) for (const one of given as readonly Bytes[]) size += fieldSize(one);
    else size += fieldSize(given as Bytes);
  }
  return size + varSize(count);
}

/** Writes a record of `body` bytes behind its own length; answers where it ends. */
export function writeRecord(
  buf: Buffer,
  start: number,
  body: number,
  record: RawRecord,
  offsetDelta: number,
  timestampDelta: number,
): number {
  const { key, value, headers } = record;
  let at = writeVar(buf, start, body);
  buf[at++] = 0; // attributes, of which there are none
  at = writeVar(buf, at, timestampDelta);
  at = writeVar(buf, at, offsetDelta);
  at = writeField(buf, at, key);
  at = writeField(buf, at, value);
  at = writeVar(buf, at, countOf(headers));
  for (const name in headers) {
    const given = headers[name];
    if (Array.isArray(given))
      for (const one of given as readonly Bytes[]) at = writeField(buf, writeField(buf, at, name), one);
    else at = writeField(buf, writeField(buf, at, name), given as Bytes);
  }
  return at;
}

function countOf(headers: RawRecord["headers"]): number {
  let count = 0;
  for (const name in headers) {
    const given = headers[name];
    count += Array.isArray(given) ? (given as readonly Bytes[]).length : 1;
  }
  return count;
}

/** Of a record with its own length before it. */
export const recordSize = (body: number): number => varSize(body) + body;

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
