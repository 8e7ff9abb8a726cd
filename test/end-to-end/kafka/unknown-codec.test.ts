import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../kafka/broker.ts";
import { packWithUnknownCodec } from "../../kafka/foreign-codec.ts";
import { noBroker } from "../../kafka/missing.ts";
import { makePlace, post } from "./place.ts";

describe.skipIf(noBroker)(`a codec that nobody knows${noBroker ? ` (${noBroker})` : ""}`, { timeout: 120_000 }, () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  }, 150_000);
  afterAll(() => broker?.wipe());

  test("is told, and what it packed stays in the topic, uncommitted", async () => {
    const at = await makePlace(broker.address);
    await at.send(post("before"));
    await at.send(post("packed"));
    await at.close();
    await broker.stop();
    await packWithUnknownCodec(join(broker.logs, `${at.topics.posts}-0`, "00000000000000000000.log"));
    await broker.start();
    const worker = at.run();
    try {
      const ran = await Promise.race([worker.ended, sleep(60_000, undefined)]);
      expect(ran?.code).toBe(1);
      expect(ran?.stderr).toMatch(/codec|compress/i);
      expect(ran?.stderr).toContain(at.topics.posts);
    } finally {
      worker.child.kill("SIGKILL");
    }
    const again = await makePlace(broker.address);
    const [end] = await again.admin.fetchTopicOffsets(at.topics.posts);
    const [group] = await again.admin.fetchOffsets({ groupId: at.group, topics: [at.topics.posts] });
    expect([end!.high, Number(group!.partitions[0]?.offset ?? 0) <= 1]).toEqual(["2", true]);
    await again.close();
  });
});
