import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../kafka/missing.ts";
import { sharedBroker } from "../../kafka/shared.ts";
import type { Running } from "../starling.ts";
import { makePlace, type Place, post, stopped } from "./place.ts";

const posts = (from: number, count: number) => Array.from({ length: count }, (_, i) => post(`${from + i}`));

describe.skipIf(noBroker)(
  `a topic made anew under a worker${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 60_000 },
  () => {
    let at: Place;
    let worker: Running | undefined;
    beforeAll(async () => {
      at = await makePlace(await sharedBroker());
    }, 150_000);
    afterEach(() => void worker?.child.kill("SIGKILL"));
    afterAll(() => at?.close());

    test("ends it, and the next one reads the new topic from its beginning", async () => {
      const topic = at.topics.posts;
      await at.send(...posts(0, 20));
      worker = at.run();
      await at.events(20);
      for (let i = 0; i < 100 && (await at.committed()) < 20; i++) await sleep(100);
      await at.admin.deleteTopics({ topics: [topic] });
      await at.admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      await at.send(...posts(100, 8));
      const { code, stderr } = await worker.ended;
      expect([code, stderr]).toEqual([1, expect.stringMatching(/made anew.*\[LOG_FAILED\]/)]);
      expect(await at.committed()).toBe(0);
      await at.send(...posts(200, 20));
      worker = at.run();
      const ids = (await at.events(48)).map(({ postId }) => Number(postId));
      const wanted = [...posts(0, 20), ...posts(100, 8), ...posts(200, 20)].map(
        ({ value }) => JSON.parse(String(value)).id,
      );
      expect(ids.sort((a, b) => a - b)).toEqual(wanted.map(Number));
      expect((await stopped(worker)).code).toBe(0);
    });

    test("a start behind the end of a partition is told, with both", async () => {
      const from = { offsets: { [at.topics.letters]: { 0: 99 } } };
      const { code, stderr } = await at.run((config) => {
        Object.assign(config.source.options, { topics: [at.topics.letters], group: `${at.group}-behind`, from });
        config.deadLetters.options.topic = at.topics.posts;
      }).ended;
      expect([code, stderr]).toEqual([1, expect.stringMatching(/ at 99, and it ends at 0;.*\[START_BEHIND_END\]/)]);
    });
  },
);
