import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../kafka/missing.ts";
import { sharedBroker } from "../../kafka/shared.ts";
import type { Running } from "../starling.ts";
import { makePlace, type Place, type PlaceOptions, post, stopped } from "./place.ts";

describe.skipIf(noBroker)(`bad input from Kafka${noBroker ? ` (${noBroker})` : ""}`, { timeout: 120_000 }, () => {
  let address: string;
  const places: Place[] = [];
  const running: Running[] = [];
  const place = async (options?: PlaceOptions) => {
    const made = await makePlace(address, options);
    places.push(made);
    return made;
  };
  const run = (at: Place, change?: Parameters<Place["run"]>[0]) => {
    const worker = at.run(change);
    running.push(worker);
    return worker;
  };
  beforeAll(async () => {
    address = await sharedBroker();
  }, 150_000);
  afterEach(() => {
    for (const { child } of running.splice(0)) child.kill("SIGKILL");
  });
  afterAll(() => Promise.all(places.map((made) => made.close())));

  test("bytes that are no JSON, or no UTF-8, go to the dead letters as they came", async () => {
    const at = await place();
    const bytes = [Buffer.from('{"id": "1", "text":'), Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.alloc(0)];
    await at.send({ value: bytes[0]! }, post("good"), { value: bytes[1]! }, { value: bytes[2]! });
    const worker = run(at);
    const letters = await at.letters(3);
    expect(letters.map(({ code }) => code)).toEqual(["POST_NOT_JSON", "POST_NOT_UTF8", "POST_NOT_JSON"]);
    expect(letters.map((letter) => Buffer.from(letter.bytes, "base64"))).toEqual(bytes);
    expect(letters[0]!.origin).toMatchObject({ lane: `${at.topics.posts}/0`, offset: "0" });
    expect((await at.events(1)).map(({ postId }) => postId)).toEqual(["good"]);
    expect((await stopped(worker)).code).toBe(0);
    expect(await at.committed()).toBe(4);
  });

  test("a message of 8 MB is dead-lettered where its letter fits, and the posts around it go on", async () => {
    const big = { "max.message.bytes": "15000000" };
    const at = await place({ posts: big, letters: big });
    const huge = post("huge", "Ada ".repeat(2_000_000));
    await at.send(post("before"));
    await at.send(huge);
    await at.send(post("after"));
    const worker = run(at);
    const [letter] = await at.letters(1);
    expect(letter).toMatchObject({ code: "POST_TOO_LARGE", origin: { offset: "1" } });
    expect(Buffer.from(letter!.bytes, "base64").equals(Buffer.from(huge.value as string))).toBe(true);
    expect((await at.events(2)).map(({ postId }) => postId)).toEqual(["before", "after"]);
    expect((await stopped(worker)).code).toBe(0);
  });

  test("a dead letter too large for its topic leaves the bytes out, and says where they are", async () => {
    const at = await place({
      posts: { "max.message.bytes": "15000000" },
      letters: { "max.message.bytes": "1000000" },
    });
    const huge = post("huge", "Ada ".repeat(2_000_000));
    await at.send(post("before"));
    await at.send(huge);
    await at.send(post("after"));
    const worker = run(at);
    const [letter] = await at.letters(1);
    const leftOut = Buffer.byteLength(huge.value as string);
    expect(letter).toMatchObject({ code: "POST_TOO_LARGE", bytes: "", leftOut, origin: { offset: "1" } });
    expect((await at.events(2)).map(({ postId }) => postId)).toEqual(["before", "after"]);
    expect((await stopped(worker)).code).toBe(0);
    expect(await at.committed()).toBe(3);
  });

  test("an output topic that refuses one event of a batch gets the others", async () => {
    const at = await place({ entities: { "max.message.bytes": "4000" } });
    const wordy = post("wordy", "Ada ".repeat(200));
    await at.send(post("one"), wordy, post("two"), post("three"));
    const worker = run(at, (config) => Object.assign(config, { stages: slow(config.stages) }));
    const [letter] = await at.letters(1);
    expect(letter).toMatchObject({ postId: "wordy", stage: "sink" });
    expect(["LOG_RECORD_REFUSED", "LOG_RECORD_TOO_LARGE"]).toContain(letter!.code);
    expect((await at.events(3)).map(({ postId }) => postId).sort()).toEqual(["one", "three", "two"]);
    expect((await stopped(worker)).code).toBe(0);
    expect(await at.committed()).toBe(4);
  });

  test.each(["source", "sink", "deadLetters"] as const)(
    "a topic that is not there is told before anything starts (%s)",
    async (end) => {
      const at = await place();
      await at.send(post("waiting"));
      const missing = `${at.topics.posts}-not-there`;
      const { code, stderr } = await run(at, (config) => {
        if (end === "source") config.source.options.topics = [missing];
        else config[end].options.topic = missing;
      }).ended;
      expect(code).toBe(2);
      expect(stderr).toContain(missing);
      expect(stderr).toMatch(/there is no topic/);
      expect(await at.committed()).toBe(0);
    },
  );

  test("a broker that is not there is told, with its address", async () => {
    const at = await place();
    const { code, stderr } = await run(at, (config) => {
      config.resources.broker.options.brokers = ["127.0.0.1:1"];
    }).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/127\.0\.0\.1:1 cannot be reached/);
  });

  test("a compression that nobody knows is refused by the config's check", async () => {
    const at = await place();
    const { code, stderr } = await run(at, (config) => {
      config.sink.options.compression = "brotli";
    }).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/compression/);
  });

  test("a tombstone is passed over", async () => {
    const at = await place();
    await at.send({ key: "gone", value: null }, post("good"));
    const worker = run(at);
    expect((await at.events(1)).map(({ postId }) => postId)).toEqual(["good"]);
    for (let i = 0; i < 100 && (await at.committed()) < 2; i++) await sleep(100);
    expect((await stopped(worker)).code).toBe(0);
    expect(await at.committed()).toBe(2);
  });
});

/** All events of one batch: the last stage waits for all four posts. */
const slow = (stages: unknown) =>
  (stages as Record<string, unknown>[]).map((stage, i) => (i === 1 ? { ...stage, batch: 4, waitMs: 2000 } : stage));
