import { createRequire } from "node:module";

/** What the client's decoder of a batch hands over for each record. */
interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** What all records of a batch share; whole numbers of 64 bits are written as text. */
export interface BatchContext {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly magicByte: number;
  readonly isControlBatch?: boolean;
  /** 1 where the broker's time of the append counts, which is `maxTimestamp`. */
  readonly timestampType: number;
}

export interface DecodedRecord {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}
type HeaderValue = Buffer | null;
type DecodeRecord = (decoder: Decoder, context: BatchContext) => DecodedRecord;

const LOG_APPEND_TIME = 1;
const path = "kafkajs/src/protocol/recordBatch/record/v0/decoder.js";

/** The client's own; to be held against. */
export let originalDecode: DecodeRecord;

/**
 * The client makes several numbers of 64 bits for each record, and copies its headers for each header. Here offsets and
 * times are plain numbers as long as they are exact. The client loads this with its first fetch, so it is exchanged before.
 */
export function mendRecords(): void {
  const require = createRequire(import.meta.url);
  if (originalDecode !== undefined) return;
  originalDecode = require(path) as DecodeRecord;
  const cached = require.cache[require.resolve(path)];
  if (typeof originalDecode !== "function" || cached === undefined)
    throw new TypeError("kafkajs has no decoder of records to mend");
  cached.exports = decodeRecord;
}

/** One record: https://kafka.apache.org/documentation/#record. */
export function decodeRecord(decoder: Decoder, context: BatchContext): DecodedRecord {
  const from = new Cursor(decoder.buffer, decoder.offset);
  const attributes = from.int8();
  const time = sum(Number(context.firstTimestamp), from.varint());
  const offset = sum(Number(context.firstOffset), from.varint());
  if (time === undefined || offset === undefined) return originalDecode(decoder, context);
  const appended = context.timestampType === LOG_APPEND_TIME && context.maxTimestamp !== "";
  return {
    magicByte: context.magicByte,
    attributes,
    timestamp: appended ? context.maxTimestamp : String(time),
    offset: String(offset),
    key: from.bytes(),
    value: from.bytes(),
    headers: headersOf(from),
    isControlRecord: context.isControlBatch ?? false,
    batchContext: context,
  };
}

/** Undefined where it would not be exact. */
const sum = (a: number, b: number): number | undefined =>
  Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(a + b) ? a + b : undefined;

function headersOf(from: Cursor): DecodedRecord["headers"] {
  const headers: Record<string, HeaderValue | HeaderValue[]> = {};
  for (let left = from.varint(); left > 0; left--) {
    const name = String(from.bytes());
    const value = from.bytes();
    const known = Object.hasOwn(headers, name) ? headers[name] : undefined;
    const all = known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value];
    // Set, it would be what the headers inherit from.
    if (name === "__proto__")
      Object.defineProperty(headers, name, { value: all, enumerable: true, configurable: true, writable: true });
    else headers[name] = all;
  }
  return headers;
}

class Cursor {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#at++);
  }

  /** Zigzag, seven bits a byte; not exact beyond 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#buffer[this.#at++]!;
      value += (byte & 0x7f) * scale;
      // Also behind the end, where there is nothing.
      if ((byte & 0x80) === 0) return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
      scale *= 128;
    }
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length === -1) return null;
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }
}
