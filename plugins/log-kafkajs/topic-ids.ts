import type { Broker } from "kafkajs";

/** The parts of the client's broker that its types leave out. */
type AskedBroker = Broker & {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  readonly connectionPool: { send<T>(call: Call<T>): Promise<T> };
};

interface Call<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<Encoded>;
  };
  readonly response: { decode(raw: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
}

interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
  size(): number;
}

const API_KEY = 3;
/** The first that tells the ids of topics, from brokers 2.8 on. The client speaks versions up to 6. */
const API_VERSION = 10;
const NO_ID = "0".repeat(32);

/**
 * The id of each topic that is there, in hexadecimal digits. A topic that is deleted and made again has its name from
 * before, and another id. Empty where the broker is too old to have ids.
 */
export async function topicIds(given: Broker, topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const broker = given as AskedBroker;
  await broker.connect();
  if ((broker.versions?.[API_KEY]?.maxVersion ?? 0) < API_VERSION) return new Map();
  return broker.connectionPool.send({
    request: { apiKey: API_KEY, apiVersion: API_VERSION, apiName: "Metadata", encode: async () => encode(topics) },
    response: { decode: async (raw) => decodeIds(raw), parse: async (ids) => ids },
  });
}

/** Metadata, version 10: https://kafka.apache.org/protocol#The_Messages_Metadata. */
function encode(topics: readonly string[]): Encoded {
  const parts = [Buffer.from([0]), length(topics.length)]; // no tags of the header
  for (const topic of topics) {
    const name = Buffer.from(topic);
    parts.push(Buffer.alloc(16), length(name.length), name, Buffer.from([0]));
  }
  parts.push(Buffer.from([0, 0, 0, 0])); // make none, tell no rights of the cluster or the topics, no tags
  const buf = Buffer.concat(parts);
  return { buf, buffer: buf, size: () => buf.length };
}

/** Lengths are written as one more, in groups of seven bits, the lowest first. */
function length(count: number): Buffer {
  const bytes: number[] = [];
  let rest = count + 1;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

export function decodeIds(raw: Buffer): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const from = reader(raw);
  from.tags();
  from.skip(4); // throttled for so long
  from.list(() => {
    from.skip(4);
    from.text();
    from.skip(4);
    from.text();
    from.tags();
  });
  from.text();
  from.skip(4);
  from.list(() => {
    from.skip(2);
    const name = from.text();
    const id = from.skip(16).toString("hex");
    from.skip(1);
    from.list(() => {
      from.skip(2 + 4 + 4 + 4);
      for (const _ of ["replicas", "in sync", "offline"]) from.list(() => from.skip(4));
      from.tags();
    });
    from.skip(4);
    from.tags();
    if (id !== NO_ID) ids.set(name, id);
  });
  return ids;
}

function reader(raw: Buffer) {
  let at = 0;
  const skip = (bytes: number): Buffer => {
    if (at + bytes > raw.length) throw new RangeError("the broker's answer is cut");
    at += bytes;
    return raw.subarray(at - bytes, at);
  };
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = skip(1)[0]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  return {
    skip,
    text: (): string => skip(Math.max(0, number() - 1)).toString(),
    list(read: () => unknown): void {
      for (let left = number() - 1; left > 0; left--) read();
    },
    tags(): void {
      for (let left = number(); left > 0; left--) {
        number();
        skip(number());
      }
    },
  };
}
