import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Delivery, Fault, type Host, type Source } from "starling-ner";
import { testHost, testSource } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import { sharedLog } from "../../test/kafka/client.ts";
import { noBroker } from "../../test/kafka/missing.ts";
import { fresh } from "../../test/kafka/shared.ts";
import plugin from "./index.ts";
import { createRetries } from "./retries.ts";

const log = await sharedLog();
const post = (id: string) => JSON.stringify({ id, text: "Ada met Grace" });

describe.skipIf(!log)(`on a real broker${noBroker ? ` (${noBroker})` : ""}`, { timeout: 60_000 }, async () => {
  if (!log) return;
  const { client, makeTopic, send } = log;
  const values = [post("1"), "{bad", post("2"), post("3")];
  const held = await makeTopic(1);
  await send(
    held,
    values.map((value) => ({ key: "k", value })),
  );
  testSource({
    test,
    plugin,
    options: async () => ({ client: "broker", topics: [held], group: fresh("group") }),
    holds: values.map((value) => ({ id: value === "{bad" ? null : JSON.parse(value).id, bytes: Buffer.from(value) })),
    lend: { broker: client },
    skip: { "ends when its input ends": "a topic has no end" },
  });

  interface Reading {
    readonly source: Source;
    readonly seen: Delivery[];
    until(wanted: (seen: readonly Delivery[]) => boolean): Promise<void>;
    stop(): Promise<void>;
  }
  async function reading(options: object, host: Partial<Host> = {}): Promise<Reading> {
    const parsed = plugin.options.parse({ client: "broker", commitMs: 50, ...options });
    const source = await plugin.open(parsed, { ...testHost({ broker: client }), ...host });
    const seen: Delivery[] = [];
    const stop = new AbortController();
    let failed: unknown;
    const done = (async () => {
      for await (const chunk of source.read(stop.signal)) seen.push(...chunk);
    })().catch((error: unknown) => {
      failed = error;
    });
    return {
      source,
      seen,
      async until(wanted) {
        for (const end = Date.now() + 15_000; !wanted(seen); await sleep(10)) {
          if (failed !== undefined) throw failed;
          if (Date.now() > end) throw new Error(`did not come true: ${wanted}; seen ${seen.length}`);
        }
      },
      async stop() {
        stop.abort();
        await done;
        await source.close?.();
      },
    };
  }
  const committed = async (group: string, topic: string) =>
    Object.fromEntries((await client.committed(group, topic)).map(({ partition, offset }) => [partition, offset]));
  const ids = (seen: readonly Delivery[]) => seen.map(({ post }) => (post.kind === "ok" ? post.value.id : post.kind));

  test("commits what is settled without gaps, and a successor goes on from there", async () => {
    const [topic, group] = [await makeTopic(1), fresh("group")];
    await send(
      topic,
      ["a", "b", "c", "d"].map((id) => ({ value: post(id) })),
    );
    const first = await reading({ topics: [topic], group });
    await first.until((seen) => seen.length === 4);
    for (const index of [0, 1, 3]) first.seen[index]!.settle();
    await first.stop();
    expect(await committed(group, topic)).toEqual({ 0: 2 });
    const second = await reading({ topics: [topic], group });
    await second.until((seen) => seen.length === 2);
    expect(ids(second.seen)).toEqual(["c", "d"]);
    await second.stop();
  });

  test("names lane, offset, headers and key of a record, and passes tombstones over", async () => {
    const topic = await makeTopic(1);
    await send(topic, [
      { key: "k1", value: post("a"), headers: { traceparent: "00-1-2-01", many: ["x", "y"], raw: Buffer.from([255]) } },
      { key: "k2", value: null },
    ]);
    const { until, seen, stop } = await reading({ topics: [topic], group: fresh("group") });
    await until(() => seen.length === 2);
    const { origin } = seen[0]!;
    expect([origin.lane, origin.offset, Buffer.from(origin.key!).toString()]).toEqual([`${topic}/0`, "0", "k1"]);
    expect(origin.headers).toEqual({ traceparent: "00-1-2-01", many: "y", raw: "base64:/w==" });
    expect(seen[1]!.post).toEqual({ kind: "pass", reason: "tombstone", degraded: false });
    await stop();
  });

  test.each([
    ["earliest", 0],
    ["latest", 3],
    ["offsets", 2],
    ["timestamp", 1],
  ] as const)("begins at %s where the group has committed nothing, and keeps that", async (where, first) => {
    const [topic, group] = [await makeTopic(1), fresh("group")];
    await send(topic, [{ value: post("0") }]);
    await sleep(30);
    const timestamp = new Date().toISOString();
    await send(topic, [{ value: post("1") }, { value: post("2") }]);
    const from =
      where === "offsets" ? { offsets: { [topic]: { 0: 2 } } } : where === "timestamp" ? { timestamp } : where;
    const { until, seen, stop } = await reading({ topics: [topic], group, from });
    for (let tries = 0; tries < 500 && (await committed(group, topic))[0] === undefined; tries++) await sleep(20);
    expect(await committed(group, topic)).toEqual({ 0: first });
    await send(topic, [{ value: post("3") }]);
    await until(() => seen.length === 4 - first);
    expect(ids(seen)).toEqual(["0", "1", "2", "3"].slice(first));
    await stop();
  });

  test("reads the topics that match a pattern", async () => {
    const name = fresh("pattern");
    const topics = [await makeTopic(1), await makeTopic(1)];
    await send(topics[1]!, [{ value: post("a") }]);
    const pattern = `/^(${topics.join("|")})$/`;
    const { until, seen, stop } = await reading({ topics: [pattern], group: name });
    await until(() => seen.length === 1);
    await stop();
    await expect(
      reading({ topics: [`/^${name}$/`], group: name }).then(({ until }) => until(() => false)),
    ).rejects.toThrow("there is no topic");
  });

  test("takes on no more than a crash may repeat, and goes on as offsets are committed", async () => {
    const [topic, group] = [await makeTopic(1), fresh("group")];
    await send(
      topic,
      Array.from({ length: 100 }, (_, i) => ({ value: post(`${i}`) })),
    );
    const { until, seen, stop } = await reading({ topics: [topic], group, repeats: 10 });
    await until(() => seen.length === 10);
    for (const delivery of seen.slice(1)) delivery.settle();
    await sleep(300);
    expect(seen).toHaveLength(10);
    seen[0]!.settle();
    await until(() => seen.length >= 20);
    await stop();
  });

  test("delivers a failed post again in its place, later each time, and gives it up after its attempts", async () => {
    const [topic, group] = [await makeTopic(1), fresh("group")];
    await send(topic, [{ value: post("a") }]);
    const retry = { attempts: 3, backoffMs: 50 };
    const { until, seen, stop } = await reading({ topics: [topic], group, retry });
    const busy = new Fault("SERVICE_UNAVAILABLE", { service: "x", reason: "y" });
    for (const attempt of [1, 2, 3]) {
      await until(() => seen.length === attempt);
      expect([seen.at(-1)!.attempt, seen.at(-1)!.redeliver!(busy)]).toEqual([attempt, attempt < 3]);
    }
    expect(new Set(seen.map(({ origin }) => origin)).size).toBe(1);
    expect(await committed(group, topic)).toEqual({ 0: 0 });
    await stop();
  });

  test("sends a failed post through the retry topic, from where it keeps its place, headers and attempts", async () => {
    const [topic, retries, group] = [await makeTopic(1), await makeTopic(1), fresh("group")];
    await send(topic, [{ key: "k", value: post("a"), headers: { traceparent: "t" } }]);
    const retry = { attempts: 3, backoffMs: 50, topic: retries };
    const { until, seen, stop } = await reading({ topics: [topic], group, retry });
    await until(() => seen.length === 1);
    expect(seen[0]!.redeliver!(new Error("busy"))).toBe(true);
    await until(() => seen.length === 2);
    const [first, second] = seen as [Delivery, Delivery];
    expect(second).toMatchObject({ attempt: 2, post: first.post });
    expect([second.origin.lane, second.origin.offset, second.origin.headers]).toEqual([
      `${topic}/0`,
      "0",
      { traceparent: "t" },
    ]);
    second.settle();
    await stop();
    expect([await committed(group, topic), await committed(group, retries)]).toEqual([{ 0: 1 }, { 0: 1 }]);
  });

  test("a post that its retry topic refuses is delivered again in its place, and given up after its attempts", async () => {
    const size = { "max.message.bytes": "1048588" };
    const [topic, retries, group] = [await makeTopic(1, size), await makeTopic(1, size), fresh("group")];
    await send(topic, [{ value: JSON.stringify({ id: "a", text: "x".repeat(1_048_420) }) }, { value: post("b") }]);
    const retry = { attempts: 2, backoffMs: 50, topic: retries };
    const { until, seen, stop } = await reading({ topics: [topic], group, retry, repeats: 1000 });
    await until((seen) => seen.length === 2);
    const busy = new Fault("SERVICE_UNAVAILABLE", { service: "x", reason: "y" });
    expect(seen[0]!.redeliver!(busy)).toBe(true);
    await until((seen) => seen.length === 3);
    expect([seen[2]!.attempt, seen[2]!.origin === seen[0]!.origin]).toEqual([2, true]);
    expect(seen[2]!.redeliver!(busy)).toBe(false);
    for (const delivery of seen.slice(1)) delivery.settle();
    await stop();
    expect([await committed(group, topic), (await client.offsets(retries, "latest"))[0]!.offset]).toEqual([
      { 0: 2 },
      0,
    ]);
  });

  test("aborts what it no longer owns, keeps what it owns, and says how it is", async () => {
    const [topic, group] = [await makeTopic(2), fresh("group")];
    await send(
      topic,
      [0, 1].map((partition) => ({ partition, value: post(`${partition}`) })),
    );
    const first = await reading({ topics: [topic], group, sessionMs: 6000 });
    await first.until((seen) => seen.length === 2);
    expect(first.source.health!()).toMatchObject({ ready: true, figures: { assigned: 2, inFlight: 2 } });
    const behind = [0, 1].map((partition) => ({ topic, partition, messages: 1 }));
    await first.until(() => isDeepStrictEqual(first.source.health!().lag, behind));
    const second = await reading({ topics: [topic], group, sessionMs: 6000 });
    await first.until((seen) => seen.some(({ revoked }) => revoked!.aborted));
    await second.until((seen) => seen.length === 1);
    const kept = first.seen.filter(({ revoked }) => !revoked!.aborted);
    expect(kept).toHaveLength(1);
    expect(kept[0]!.origin.lane).not.toBe(second.seen[0]!.origin.lane);
    for (const delivery of first.seen) delivery.settle();
    await first.stop();
    expect(first.source.health!()).toMatchObject({ ready: false });
    const partition = Number(kept[0]!.origin.lane.split("/")[1]);
    expect(await committed(group, topic)).toEqual({ 0: 0, 1: 0, [partition]: 1 });
    await second.stop();
  });

  test("a record larger than maxBytes is a failed post, with its bytes", async () => {
    const topic = await makeTopic(1);
    await send(topic, [{ value: post("x".repeat(2000)) }]);
    const { until, seen, stop } = await reading({ topics: [topic], group: fresh("group"), maxBytes: 1000 });
    await until(() => seen.length === 1);
    expect(seen[0]!.post).toMatchObject({ kind: "fail", error: { code: "POST_TOO_LARGE" } });
    expect(seen[0]!.origin.bytes().length).toBeGreaterThan(2000);
    await stop();
  });
});

test("back-off doubles up to its cap, and what is too old is given up", () => {
  const delays: number[] = [];
  const retry = plugin.options.parse({
    client: "c",
    topics: ["t"],
    retry: { attempts: 9, backoffMs: 100, maxBackoffMs: 500 },
  }).retry;
  const sent: number[] = [];
  const producer = {
    send: async ([record]: readonly { headers?: Record<string, unknown> }[]) =>
      void sent.push(Number(record!.headers!["starling-retry-not-before"])),
    close: async () => {},
  };
  const retries = createRetries({
    retry: { ...retry, topic: "r" },
    producer: producer as never,
    again() {},
    moved() {},
    failed() {},
    log() {},
    random: () => 0,
  });
  const held = (attempt: number, firstAt = Date.now()) =>
    ({
      attempt,
      firstAt,
      record: {},
      headers: {},
      lane: "t/0",
      offset: "0",
      tracker: { fence: new AbortController() },
    }) as never;
  for (const attempt of [1, 2, 3, 4]) {
    const now = Date.now();
    expect(retries.take(held(attempt))).toBe(true);
    delays.push(Math.round((sent.at(-1)! - now) / 100) * 100);
  }
  expect(delays).toEqual([100, 200, 400, 500]);
  expect(retries.take(held(1, Date.now() - 400_000))).toBe(false);
  retries.close();
});
