import { createRequire } from "node:module";
import kafkajs from "kafkajs";
import { crc32c } from "./crc32c.ts";
import { bodySize, type RawRecord, recordSize, writeRecord } from "./record-writer.ts";

/** What the client asks its encoder for. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null;
  /** A whole number of 64 bits, by the client's own class. */
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly PartitionData[] }[];
}

interface PartitionData {
  readonly partition: number;
  readonly messages: readonly RawRecord[];
  readonly firstSequence?: number;
}

/** What the client's connection takes for an encoder of its own. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
  size(): number;
}

export interface Encodable {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  expectResponse(): boolean;
  encode(): Promise<Encoded>;
}

const API_KEY = 0;
const API_VERSION = 3;
/** Of a batch before its first record; what follows the checksum is what is summed. */
const BATCH_HEADER = 61;
const LENGTH_AT = 8;
const CRC_AT = 17;
const SUMMED_AT = 21;
const MAGIC = 2;
const TRANSACTIONAL = 16;

const path = "kafkajs/src/protocol/requests/produce/v3/request.js";

/** The client's own; to be held against. */
export let originalRequest: (request: ProduceRequest) => Encodable;

/**
 * The client writes each header and each record into a buffer of its own, of 512 bytes at least and filled with zeros, and
 * copies them into larger ones six times: half of a worker's time. Here a request is one buffer of its own length.
 * Later versions of the request are this one with another number. The client loads it with its first write, so it is
 * exchanged before.
 */
export function mendProduce(): void {
  const require = createRequire(import.meta.url);
  if (originalRequest !== undefined) return;
  originalRequest = require(path) as typeof originalRequest;
  const cached = require.cache[require.resolve(path)];
  if (typeof originalRequest !== "function" || cached === undefined)
    throw new TypeError("kafkajs has no request to mend");
  cached.exports = produceRequest;
}

/** Produce, version 3 and later: https://kafka.apache.org/protocol#The_Messages_Produce. */
export const produceRequest = (request: ProduceRequest): Encodable => ({
  apiKey: API_KEY,
  apiVersion: API_VERSION,
  apiName: "Produce",
  expectResponse: () => request.acks !== 0,
  async encode() {
    const batches: Batch[] = [];
    for (const { partitions } of request.topicData)
      for (const data of partitions) batches.push(await measure(data, request.compression ?? 0));
    return write(request, batches);
  },
});

/** The records of one partition: how long each is, or all of them packed. */
interface Batch {
  readonly data: PartitionData;
  readonly first: number | string;
  readonly max: number | string;
  readonly now: number;
  readonly bodies: readonly number[];
  readonly packed: Buffer | undefined;
  /** Bytes of the records, packed where they are. */
  readonly length: number;
}

async function measure(data: PartitionData, compression: number): Promise<Batch> {
  const now = Date.now();
  const { messages } = data;
  const times = messages.flatMap(({ timestamp }) => timestamp ?? []).sort();
  const [first, max] = [times[0] ?? now, times.at(-1) ?? now];
  const bodies = messages.map((record, i) => bodySize(record, i, sinceOf(record, now, first)));
  const length = bodies.reduce((sum, body) => sum + recordSize(body), 0);
  const plain: Batch = { data, first, max, now, bodies, packed: undefined, length };
  if (compression === 0) return plain;
  const records = Buffer.allocUnsafe(length);
  writeRecords(records, 0, plain);
  const packed = await codecOf(compression).compress({ buffer: records });
  return { ...plain, packed, length: packed.length };
}

const sinceOf = ({ timestamp }: RawRecord, now: number, first: number | string): number =>
  Number(timestamp || now) - Number(first);

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Buffer | Promise<Buffer>;
}

const codecOf = (compression: number): Codec => {
  const codecs: Readonly<Record<number, (() => unknown) | undefined>> = kafkajs.CompressionCodecs;
  return codecs[compression & 7]!() as Codec;
};

function write(request: ProduceRequest, batches: readonly Batch[]): Encoded {
  const { transactionalId = null, acks, timeout, topicData } = request;
  let size = 2 + Buffer.byteLength(transactionalId ?? "") + 2 + 4 + 4;
  for (const { topic } of topicData) size += 2 + Buffer.byteLength(topic) + 4;
  for (const { length } of batches) size += 8 + BATCH_HEADER + length;
  const buf = Buffer.allocUnsafe(size);
  let at = writeText(buf, 0, transactionalId);
  at = buf.writeInt16BE(acks, at);
  at = buf.writeInt32BE(timeout, at);
  at = buf.writeInt32BE(topicData.length, at);
  let next = 0;
  for (const { topic, partitions } of topicData) {
    at = writeText(buf, at, topic);
    at = buf.writeInt32BE(partitions.length, at);
    for (const { partition } of partitions) {
      const batch = batches[next++]!;
      at = buf.writeInt32BE(partition, at);
      at = buf.writeInt32BE(BATCH_HEADER + batch.length, at);
      at = writeBatch(buf, at, batch, request);
    }
  }
  return { buf, buffer: buf, size: () => size };
}

function writeText(buf: Buffer, at: number, text: string | null): number {
  if (text === null) return buf.writeInt16BE(-1, at);
  const start = buf.writeInt16BE(Buffer.byteLength(text), at);
  return start + buf.write(text, start);
}

/** A record batch of magic 2: https://kafka.apache.org/documentation/#recordbatch. */
function writeBatch(buf: Buffer, start: number, batch: Batch, request: ProduceRequest): number {
  const { data, first, max, bodies, packed, length } = batch;
  const { transactionalId, producerId, producerEpoch = 0, compression = 0 } = request;
  const end = start + BATCH_HEADER + length;
  let at = buf.writeBigInt64BE(0n, start); // the broker knows the offsets
  at = buf.writeInt32BE(end - start - LENGTH_AT - 4, at);
  at = buf.writeInt32BE(0, at); // and the leader's epoch
  at = buf.writeInt8(MAGIC, at) + 4;
  at = buf.writeInt16BE((compression & 7) | (transactionalId ? TRANSACTIONAL : 0), at);
  at = buf.writeInt32BE(bodies.length - 1, at);
  at = buf.writeBigInt64BE(BigInt(first), at);
  at = buf.writeBigInt64BE(BigInt(max), at);
  at = buf.writeBigInt64BE(producerId === undefined ? -1n : BigInt(producerId.toString()), at);
  at = buf.writeInt16BE(producerEpoch, at);
  at = buf.writeInt32BE(data.firstSequence ?? 0, at);
  at = buf.writeInt32BE(bodies.length, at);
  if (packed === undefined) writeRecords(buf, at, batch);
  else packed.copy(buf, at);
  buf.writeUInt32BE(crc32c(buf, start + SUMMED_AT, end), start + CRC_AT);
  return end;
}

function writeRecords(buf: Buffer, start: number, { data, first, now, bodies }: Batch): void {
  let at = start;
  data.messages.forEach((record, i) => {
    at = writeRecord(buf, at, bodies[i]!, record, i, sinceOf(record, now, first));
  });
}
