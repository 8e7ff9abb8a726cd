import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { createLedger, type LogClient } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { expect, test } from "vitest";
import { startBroker } from "../../test/kafka/broker.ts";
import { noBroker } from "../../test/kafka/missing.ts";
import logPlugin from "../log-kafkajs/index.ts";
import { Held } from "./held.ts";
import plugin from "./index.ts";
import { createRetries } from "./retries.ts";

/** Longer than the client tries by itself. */
const GONE_MS = 14_000;

const { retry } = plugin.options.parse({ client: "c", topics: ["posts"], retry: { topic: "again", backoffMs: 1 } });

function held(): Held {
  const ledger = createLedger({ span: 10, posts: 10, bytes: 1000, repeats: 10 });
  const tracker = ledger.assign("m", ["posts/0"]).added[0]!;
  ledger.start(tracker, 0);
  const record = { offset: 0, key: null, value: Buffer.from("{}"), headers: {}, timestamp: 0 };
  return new Held(tracker, ledger.see("posts/0", 0, 2, 0)!, record, Date.now());
}

test.skipIf(noBroker)(
  "a post goes to the retry topic once the broker is back, unless it has become another worker's",
  async () => {
    const broker = await startBroker();
    try {
      const options = logPlugin.options.parse({ brokers: [broker.address] });
      const client = (await logPlugin.open(options, testHost())) as LogClient;
      const admin = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.createTopics({ topics: [{ topic: "again", numPartitions: 1 }], waitForLeaders: true });
      await admin.disconnect();
      const producer = await client.producer();
      const [moved, failed]: [Held[], unknown[]] = [[], []];
      const retries = createRetries({
        retry,
        producer,
        again: () => expect.unreachable(),
        moved: (post) => void moved.push(post),
        failed: (error) => void failed.push(error),
        log() {},
      });
      await broker.kill();
      const [ours, another] = [held(), held()];
      expect([retries.take(ours), retries.take(another)]).toEqual([true, true]);
      another.tracker.fence.abort();
      await sleep(GONE_MS);
      expect(failed).toEqual([]);
      await broker.start();
      await expect.poll(() => moved, { timeout: 30_000 }).toEqual([ours]);
      expect((await client.offsets("again", "latest"))[0]!.offset).toBe(1);
      retries.close();
      await producer.close();
    } finally {
      await broker.wipe();
    }
  },
  120_000,
);
