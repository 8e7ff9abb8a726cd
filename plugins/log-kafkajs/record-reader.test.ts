import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import "./connection.ts"; // exchanges the client's decoder for ours
import { type BatchContext, decodeRecord, originalDecode } from "./record-reader.ts";
import { bodySize, type RawRecord, recordSize, writeRecord } from "./record-writer.ts";

const require = createRequire(import.meta.url);
const Decoder = require("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => { buffer: Buffer; offset: number };

const field = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
// The client takes what objects inherit for a header that is there already.
const name = fc.string({ maxLength: 20 }).filter((one) => !(one in {}));
const headers = fc.dictionary(name, fc.oneof(field, fc.array(field, { maxLength: 3 })));
const record = fc.record({ key: fc.option(field), value: fc.option(field), headers }) as fc.Arbitrary<RawRecord>;
const large = fc.oneof(fc.bigInt(0n, 2n ** 40n), fc.bigInt(2n ** 53n - 50n, 2n ** 62n)).map(String);
const context = fc.record({
  firstOffset: large,
  firstTimestamp: large,
  maxTimestamp: fc.oneof(large, fc.constant("")),
  magicByte: fc.constant(2),
  isControlBatch: fc.boolean(),
  timestampType: fc.constantFrom(0, 1),
}) as fc.Arbitrary<BatchContext>;

const write = (one: RawRecord, offsetDelta: number, timestampDelta: number): Buffer => {
  const body = bodySize(one, offsetDelta, timestampDelta);
  const buf = Buffer.alloc(recordSize(body));
  writeRecord(buf, 0, body, one, offsetDelta, timestampDelta);
  return buf.subarray(buf.length - body);
};

test("records are read as the client reads them, also where numbers are beyond 2^53", () => {
  fc.assert(
    fc.property(
      record,
      context,
      fc.nat(100_000),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      (one, all, offset, time) => {
        const bytes = write(one, offset, time);
        const ours = decodeRecord(new Decoder(bytes), all);
        const theirs = originalDecode(new Decoder(bytes), all);
        expect(ours).toEqual(theirs);
        expect(Object.getPrototypeOf(ours.headers)).toBe(Object.prototype);
      },
    ),
    { numRuns: 300 },
  );
});

test("headers may have any name", () => {
  const headers = JSON.parse('{ "__proto__": "a", "constructor": ["b", "c"] }') as NonNullable<RawRecord["headers"]>;
  const { headers: found } = decodeRecord(new Decoder(write({ headers }, 0, 0)), plain);
  expect(Object.entries(found).map(([one, value]) => [one, String(value)])).toEqual([
    ["__proto__", "a"],
    ["constructor", "b,c"],
  ]);
});

test("a record that is cut off ends, too", () => {
  const bytes = write({ key: "key", value: "value", headers: { a: "b" } }, 1, 1);
  for (let length = 1; length < bytes.length; length++)
    expect(decodeRecord(new Decoder(bytes.subarray(0, length)), { ...plain })).toMatchObject({ magicByte: 2 });
});

const plain: BatchContext = {
  firstOffset: "0",
  firstTimestamp: "0",
  maxTimestamp: "0",
  magicByte: 2,
  timestampType: 0,
};

test("the client's decoder of batches has ours", () => {
  expect(require("kafkajs/src/protocol/recordBatch/record/v0/decoder.js")).toBe(decodeRecord);
});
