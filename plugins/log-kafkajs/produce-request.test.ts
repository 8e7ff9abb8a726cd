import { createRequire } from "node:module";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { crc32c } from "./crc32c.ts";
import "./connection.ts"; // exchanges the client's request for ours
import { originalRequest, type ProduceRequest, produceRequest } from "./produce-request.ts";
import type { RawRecord } from "./record-writer.ts";

const require = createRequire(import.meta.url);
const Long = require("kafkajs/src/utils/long.js") as { fromValue(value: number | string): { toString(): string } };
const clientCrc = require("kafkajs/src/protocol/recordBatch/crc32C/index.js") as (bytes: Buffer) => number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_790_000_000_123 });
});
afterEach(() => {
  vi.useRealTimers();
});

const field = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);
const headers = fc.dictionary(fc.string({ maxLength: 20 }), fc.oneof(field, fc.array(field, { maxLength: 3 })));
const record = fc.record(
  {
    key: fc.option(field),
    value: fc.option(field),
    headers,
    timestamp: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }).map(String),
  },
  { requiredKeys: ["key", "value"] },
) as fc.Arbitrary<RawRecord>;
const partition = fc.record(
  { partition: fc.nat(1000), messages: fc.array(record, { minLength: 1, maxLength: 9 }), firstSequence: fc.nat() },
  { requiredKeys: ["partition", "messages"] },
);
const topic = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 40 }),
  partitions: fc.array(partition, { maxLength: 4 }),
});
const request = fc.record(
  {
    acks: fc.constantFrom(-1, 0, 1),
    timeout: fc.nat(),
    compression: fc.constantFrom(0, 1, 2, 3, 4),
    transactionalId: fc.string({ minLength: 1, maxLength: 40 }),
    producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map((id) => Long.fromValue(String(id))),
    producerEpoch: fc.nat(32_767),
    topicData: fc.array(topic, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ["acks", "timeout", "topicData"] },
) as fc.Arbitrary<ProduceRequest>;

test("a request has the client's own bytes, packed or not, in a transaction or not", async () => {
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const [ours, theirs] = [produceRequest(given), originalRequest(given)];
      const [mine, yours] = [await ours.encode(), await theirs.encode()];
      expect(mine.buffer.equals(yours.buffer)).toBe(true);
      expect(mine.size()).toBe(mine.buffer.length);
      expect([ours.apiKey, ours.apiVersion, ours.apiName]).toEqual([theirs.apiKey, theirs.apiVersion, theirs.apiName]);
      expect(ours.expectResponse()).toBe(theirs.expectResponse());
    }),
  );
});

test("a long batch has them too", async () => {
  const messages = Array.from({ length: 3000 }, (_, i) => ({
    key: `k${i}`,
    value: "ä".repeat(i % 400),
    headers: { i: "1" },
  }));
  const given = { acks: -1, timeout: 30_000, topicData: [{ topic: "t", partitions: [{ partition: 0, messages }] }] };
  const [mine, yours] = [await produceRequest(given).encode(), await originalRequest(given).encode()];
  expect(mine.buffer.equals(yours.buffer)).toBe(true);
});

test("later versions of the request are ours as well", async () => {
  const given = { acks: -1, timeout: 1, topicData: [] };
  const later = require("kafkajs/src/protocol/requests/produce/v7/request.js") as typeof produceRequest;
  expect(later(given).encode.toString()).toBe(produceRequest(given).encode.toString());
  expect(later(given).apiVersion).toBe(7);
});

test("the checksum is the one of the standard, and of any stretch", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283); // RFC 3720 names the polynomial; its usual check value
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
      const [start, end] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
      expect(crc32c(bytes, start, end)).toBe(clientCrc(Buffer.from(bytes.subarray(start, end))));
    }),
  );
});
