import {
  type Bound,
  type Decode,
  type Delivery,
  Fault,
  fail,
  type LogClient,
  type LogRecord,
  type Origin,
  parseBound,
  type RecordBatch,
  readSpans,
  type Source,
  spansOf,
} from "starling-ner";
import { textHeaders } from "./headers.ts";
import { laneOf } from "./held.ts";
import { type Options, wantedTopics } from "./options.ts";

/** Posts decoded at a time. */
const CHUNK = 256;

export interface RangeParts {
  readonly client: LogClient;
  readonly options: Options & { readonly range: NonNullable<Options["range"]> };
  readonly decode: Decode;
}

/** Reads a stretch of the topics and ends there: outside of the group, so that its members and offsets stay as they are. */
export function openRange({ client, options, decode }: RangeParts): Source {
  const { range, maxBytes } = options;
  const deliver = async (lane: string, record: LogRecord, signal: AbortSignal): Promise<Delivery> => {
    const origin = originOf(lane, record);
    const place = { where: () => `${lane} offset ${record.offset}` };
    const bytes = record.value;
    const post =
      bytes !== null && bytes.length > maxBytes
        ? fail(new Fault("POST_TOO_LARGE", { where: place.where(), bytes: bytes.length, maxBytes }))
        : await decode({ bytes, headers: origin.headers! }, place, signal);
    return { post, origin, settle() {} };
  };
  const chunks = async function* ({ records, ...partition }: RecordBatch, signal: AbortSignal) {
    for (let from = 0; from < records.length && !signal.aborted; from += CHUNK) {
      const part = records.slice(from, from + CHUNK);
      const chunk = await Promise.all(part.map((record) => deliver(laneOf(partition), record, signal)));
      if (!signal.aborted) yield chunk;
    }
  };
  return {
    async *read(signal) {
      const topics = await topicsNow(client, options);
      const spans = await spansOf(client, topics, { from: boundOf(range.from), until: boundOf(range.until) });
      for await (const batch of readSpans(client, spans, { signal })) yield* chunks(batch, signal);
    },
  };
}

/** The options have seen that it is one. */
const boundOf = (written: string): Bound => parseBound(written)!;

const originOf = (lane: string, { offset, key, value, headers }: LogRecord): Origin => ({
  lane,
  offset: String(offset),
  bytes: () => value ?? new Uint8Array(),
  headers: textHeaders(headers),
  ...(key !== null && { key }),
});

async function topicsNow(client: LogClient, options: Options): Promise<string[]> {
  const wanted = wantedTopics(options);
  const all = wanted.every((topic) => typeof topic === "string") ? [] : [...(await client.topics()).keys()];
  const found = wanted.flatMap((topic) =>
    typeof topic === "string" ? [topic] : all.filter((name) => topic.test(name)),
  );
  return [...new Set(found)];
}
