import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../kafka/broker.ts";
import { noBroker } from "../../kafka/missing.ts";
import { makePlace, post, stopped } from "./place.ts";

/** A minute in service; the test has a shorter one, longer than the session of the group. */
const GONE_MS = 12_000;
const SESSION_MS = 6000;

describe.skipIf(noBroker)(`a broker that goes away${noBroker ? ` (${noBroker})` : ""}`, { timeout: 180_000 }, () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker();
  }, 150_000);
  afterAll(() => broker?.wipe());

  test.each(["at-least-once", "exactly-once"])("is waited for, and nothing is lost (%s)", async (delivery) => {
    const at = await makePlace(broker.address);
    const ids = Array.from({ length: 60 }, (_, i) => `p${i}`);
    await at.send(...ids.slice(0, 20).map((id) => post(id)));
    const worker = at.run((config) => {
      config.delivery = delivery;
      config.source.options.sessionMs = SESSION_MS;
    });
    try {
      await at.events(20);
      // Under way when it goes.
      await at.send(...ids.slice(20, 40).map((id) => post(id)));
      await broker.kill();
      await sleep(GONE_MS);
      expect(worker.child.exitCode).toBeNull();
      await broker.start();
      await at.send(...ids.slice(40).map((id) => post(id)));
      const found = new Set<string>();
      for (let i = 0; i < 60 && found.size < ids.length; i++) {
        await sleep(500);
        for (const { postId } of await at.events(40)) found.add(postId);
      }
      expect([...found].sort()).toEqual([...ids].sort());
      expect((await stopped(worker)).code).toBe(0);
      expect(await at.committed()).toBeGreaterThanOrEqual(60);
    } finally {
      worker.child.kill("SIGKILL");
      await at.close();
    }
  });
});
