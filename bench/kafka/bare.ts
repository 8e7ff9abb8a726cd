import type { Spent } from "../kafka.ts";
import { stopwatch } from "./stopwatch.ts";
import { connect, dropTopic, makeTopic, PARTITIONS } from "./topics.ts";

let made = 0;

/** What anybody would write: each batch is parsed, sent on and committed before the next one of its partition. */
export async function bareRound(address: string, topic: string, count: number, name: string): Promise<Spent> {
  const out = `${name}-${made++}`;
  await makeTopic(address, out);
  const kafka = connect(address);
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: out });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic, fromBeginning: true });
  const watch = stopwatch(count);
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: async ({ batch }) => {
      watch.begin();
      const messages = batch.messages.map(({ key, value }) => ({
        key,
        value: JSON.stringify(JSON.parse(value!.toString())),
      }));
      await producer.send({ topic: out, acks: -1, messages });
      const offset = String(Number(batch.lastOffset()) + 1);
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
      watch.add(messages.length);
    },
  });
  const spent = await watch.finished;
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  await dropTopic(address, out);
  return spent;
}
