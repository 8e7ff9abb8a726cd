import { join } from "node:path";
import type { Spent } from "../kafka.ts";
import { fromKafka, runUntil, toKafka } from "./pipeline.ts";
import { dropTopic, makeTopic } from "./topics.ts";

let made = 0;

/** Posts are read, checked and written as events, with a stage between that does nothing. */
export async function passThroughRound(address: string, topic: string, count: number): Promise<Spent> {
  const [out, dead] = [`passed-${made}`, `passed-${made}-dead`];
  for (const name of [out, dead]) await makeTopic(address, name);
  const spent = await runUntil(
    {
      window: 2048,
      ...fromKafka(address, topic, `passed-${made++}`),
      stages: [{ use: join(import.meta.dirname, "nothing.ts"), batch: 512, waitMs: 5, concurrency: 4 }],
      sink: toKafka(out),
      deadLetters: toKafka(dead),
    },
    count,
  );
  for (const name of [out, dead]) await dropTopic(address, name);
  return spent;
}
