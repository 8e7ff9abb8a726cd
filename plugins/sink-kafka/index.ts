import { defineSink, log, type NewRecord, type Outcome, type Output, type Sink, schemaRegistry } from "starling-ner";
import { type EncodeRules, encode } from "./encode.ts";
import { options } from "./options.ts";
import { sendAll } from "./send.ts";

/** Under load a request costs client and broker more than its records do. */
const GATHER_MS = 60;

export default defineSink({
  name: "sink-kafka",
  about: "Events and dead letters to a Kafka topic.",
  options,
  borrows: ({ client, schema }) => [
    { port: log, name: client },
    ...(schema === undefined ? [] : [{ port: schemaRegistry, name: schema.registry }]),
  ],
  topics: ({ client, topic }) => [{ client, topic, how: "writes", option: ["topic"] }],
  async open({ client: name, topic, partitionBy, compression, schema: by, patienceMs }, host): Promise<Sink> {
    const client = host.borrow(log, name);
    const schema = by && (await host.borrow(schemaRegistry, by.registry).latest(by.subject ?? `${topic}-value`));
    await client.topics([topic]);
    // What is packed may be smaller than it looks: then only the topic itself can say.
    const maxBytes = compression === "none" ? await client.maxRecordBytes(topic) : undefined;
    const rules: EncodeRules = { topic, partitionBy, maxBytes, schema };
    // More than one request at a time may change the order, when one of them has to be sent again.
    const producer = await client.producer({ compression, inFlight: host.order === "none" ? 4 : 1 });
    const sending = { patienceMs, log: host.log };

    const write = async (batch: readonly Output[], signal: AbortSignal): Promise<Outcome<void>[]> => {
      const encoded = batch.map((output) => encode(output, rules));
      const good = encoded.flatMap((outcome) => (outcome.kind === "ok" ? [outcome.value] : []));
      const sent = await sendAll(producer, good, sending, signal);
      let next = 0;
      return encoded.map((outcome) => (outcome.kind === "ok" ? sent[next++]! : outcome));
    };
    return {
      place: `topic ${topic}`,
      gatherMs: GATHER_MS,
      write: (batch, signal) => untilAborted(write(batch, signal), signal),
      encode: (batch): readonly Outcome<NewRecord>[] => batch.map((output) => encode(output, rules)),
      close: () => producer.close(),
    };
  },
});

/** A request under way cannot be called back, but nobody has to wait for it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", stop));
}
