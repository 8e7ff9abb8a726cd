import { setTimeout as sleep } from "node:timers/promises";
import type { Fed, Feed } from "./feed.ts";
import { connect, PARTITIONS } from "./topics.ts";

/** How often it looks what is due, in milliseconds; what is due goes in one request, as producers linger. */
const TICK_MS = 10;

/**
 * Posts come evenly, whatever becomes of those before: a request is not waited for. What is late for any reason counts,
 * since a post's time runs from when it was due.
 */
async function feed({ address, topic, texts, perSecond, count }: Feed): Promise<Fed> {
  const producer = connect(address).producer();
  await producer.connect();
  const requests: Promise<unknown>[] = [];
  let sent = 0;
  const startedAt = Date.now();
  const from = performance.now();
  while (sent < count) {
    const due = Math.min(count, Math.floor(((performance.now() - from) / 1000) * perSecond));
    const messages = Array.from({ length: due - sent }, (_, i) => ({
      value: JSON.stringify({ id: String(sent + i), text: texts[(sent + i) % texts.length] }),
      partition: (sent + i) % PARTITIONS,
    }));
    sent = due;
    if (messages.length > 0) requests.push(producer.send({ topic, acks: -1, messages }));
    await sleep(TICK_MS);
  }
  await Promise.all(requests);
  await producer.disconnect();
  return { startedAt };
}

process.once("message", async (task: Feed) => {
  process.send!(await feed(task));
  process.disconnect();
});
