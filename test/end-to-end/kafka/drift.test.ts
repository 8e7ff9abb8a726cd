import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../kafka/free-ports.ts";
import { noBroker } from "../../kafka/missing.ts";
import { fresh, sharedBroker } from "../../kafka/shared.ts";
import { configFile, freshFolder, type Running, start } from "../starling.ts";
import { makePlace, type Place, post, stopped } from "./place.ts";

const POSTS = 250;

describe.skipIf(noBroker)(
  `starling drift on a real broker${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 180_000 },
  () => {
    let at: Place;
    let kafka: Kafka;
    let config: string;
    let url: string;
    const [feedback, group] = [fresh("feedback"), fresh("drift")];

    beforeAll(async () => {
      const address = await sharedBroker();
      kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
      at = await makePlace(address);
      await at.admin.createTopics({ topics: [{ topic: feedback, numPartitions: 2 }] });
      const [port] = await freePorts(1);
      url = `http://127.0.0.1:${port}`;
      config = configFile(
        JSON.stringify({
          http: { port },
          resources: { broker: { use: "log-kafkajs", options: { brokers: [address] } } },
          drift: {
            events: { topics: [at.topics.entities] },
            feedback: { topics: [feedback] },
            ...{ group, store: join(freshFolder(), "drift.sqlite") },
          },
        }),
      );
    }, 240_000);
    const running = new Set<Running>();
    const startDrift = () => {
      const one = start(["drift", config]);
      running.add(one);
      return one;
    };
    afterAll(async () => {
      // Also after a failure: nothing may go on.
      for (const { child } of running) child.kill("SIGKILL");
      await at?.close();
    });

    const metrics = async () =>
      fetch(`${url}/metrics`).then(
        (answer) => answer.text(),
        () => "",
      );
    /** Waits until the metrics hold a line. */
    const sees = async (line: string) => {
      for (const end = Date.now() + 60_000; ; await sleep(100)) {
        const found = await metrics();
        if (found.includes(line)) return found;
        if (Date.now() > end) throw new Error(`no "${line}" in ${found.slice(-3000)}`);
      }
    };
    const label = async (...keys: readonly string[]) => {
      const producer = kafka.producer();
      await producer.connect();
      const value = (key: string) =>
        JSON.stringify({
          schema: "starling.feedback/1",
          key,
          entities: [{ start: 0, end: 3, type: "PER" }],
          labelledAt: new Date().toISOString(),
        });
      await producer.send({
        topic: feedback,
        messages: [...keys.map((key) => ({ value: value(key) })), { value: "no" }],
      });
      await producer.disconnect();
    };
    const behind = async (topic: string) => {
      const ends = await at.admin.fetchTopicOffsets(topic);
      const [found] = await at.admin.fetchOffsets({ groupId: group, topics: [topic] });
      const committed = (partition: number) =>
        Number(found!.partitions.find((one) => one.partition === partition)?.offset ?? 0);
      return ends.map(({ partition, high }) => Number(high) - Math.max(0, committed(partition)));
    };

    test("a drift that is killed goes on where its store ends: nothing is lost, nothing counts twice", async () => {
      const worker = at.run();
      running.add(worker);
      await at.send(...Array.from({ length: POSTS }, (_, i) => post(`p${i}`, "Ada met Grace")));
      const events = await at.events(POSTS);
      const first = startDrift();
      await sees(`ner_drift_events_total{result="kept"} ${POSTS}`);
      expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ ready: true });
      first.child.kill("SIGKILL");
      await first.ended;

      await label(...events.map(({ key }) => key), "of another stream");
      await at.send(post("late"));
      await at.events(POSTS + 1);
      const second = startDrift();
      await sees('ner_drift_events_total{result="kept"} 1\n');
      const found = await sees(`ner_drift_feedback_total{result="joined"} ${POSTS}`);
      expect(found).not.toMatch(/result="repeated"\} [1-9]/);
      expect(found).toContain('ner_drift_feedback_total{result="invalid"} 1');
      expect(found).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
      expect(found).toContain("ner_drift_waiting_labels 1");
      expect(found).toContain('ner_eval_f1{source="labelled",type="all",window="24h",model_version="tiny-1"} 0.666');
      expect(found).toContain(
        'ner_eval_f1{source="estimated",type="all",window="last_2000",model_version="tiny-1"} 0.75',
      );
      const { code, stderr } = await stopped(second);
      expect([code, stderr]).toEqual([0, expect.stringContaining("this is no feedback")]);
      expect([await behind(at.topics.entities), await behind(feedback)]).toEqual([[0], [0, 0]]);
      await stopped(worker);
    });

    test("a topic that is not there is told", async () => {
      const missing = JSON.parse(readFileSync(config, "utf8"));
      missing.drift.feedback.topics = ["nowhere"];
      expect(await start(["drift", configFile(JSON.stringify(missing))]).ended).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("there is no topic nowhere"),
      });
    });
  },
);
