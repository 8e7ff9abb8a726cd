import type { Message } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { noBroker } from "../../kafka/missing.ts";
import { sharedBroker } from "../../kafka/shared.ts";
import type { Running } from "../starling.ts";
import { makePlace, type Place, post, stopped } from "./place.ts";

const long = (bytes: number) => "h".repeat(bytes);
const bad = '{"id": "1", "text":';

/** Each is taken by a topic of the default size, and its whole letter is not. */
const large: Record<string, Message> = {
  "a long header": { key: "k", value: bad, headers: { long: long(600_000) } },
  "many headers": {
    value: bad,
    headers: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`h${i}`, long(1500)])),
  },
  "a long key": { key: long(800_000), value: bad },
  "a long key and a long header": { key: long(500_000), value: bad, headers: { long: long(500_000) } },
  "a long reason": { value: JSON.stringify({ id: "1", text: "a", [long(1_000_000)]: 1 }) },
  "a long id": { value: JSON.stringify({ id: long(500_000), text: "a" }), headers: { long: long(548_300) } },
  "no bytes, a long header": { value: "", headers: { long: long(900_000) } },
};

describe.skipIf(noBroker)(
  `posts whose dead letter is too large${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 60_000 },
  () => {
    const places: Place[] = [];
    let worker: Running | undefined;
    let address: string;
    beforeAll(async () => {
      address = await sharedBroker();
    }, 150_000);
    afterEach(() => void worker?.child.kill("SIGKILL"));
    afterAll(() => Promise.all(places.map((at) => at.close())));

    test.each([
      ["at-least-once", "none"],
      ["exactly-once", "none"],
      ["at-least-once", "gzip"],
      ["exactly-once", "gzip"],
    ])("are dead-lettered in short, and those around them go on: %s, %s", async (delivery, compression) => {
      const size = { "max.message.bytes": "1048588" };
      const at = await makePlace(address, { posts: size, entities: size, letters: size });
      places.push(at);
      await at.send(post("before"));
      // What packs well would fit: noise does not.
      const noisy = compression === "none" ? large : { noise: { value: bad, headers: { long: noise(700_000) } } };
      for (const message of Object.values(noisy)) await at.send({ ...message, partition: 0 }); // the client takes a minute to hash a long key
      await at.send(post("after"));
      worker = at.run((config) => {
        Object.assign(config, { delivery });
        config.deadLetters.options.compression = compression;
      });
      const count = Object.keys(noisy).length;
      const letters = await at.letters(count);
      expect(letters.map(({ origin }) => Number(origin.offset)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: count }, (_, i) => i + 1),
      );
      for (const letter of letters) expect(letter.reason.length).toBeLessThanOrEqual(1100);
      const headerBytes = compression === "none" ? 600_004 : 700_004;
      const [header] = letters.filter(({ origin }) => origin.offset === "1");
      expect(header).toMatchObject({
        bytes: "",
        leftOut: bad.length,
        leftOutHeaders: headerBytes,
        code: "POST_NOT_JSON",
      });
      expect(header!.origin.headers).toBeUndefined();
      if (compression === "none") {
        expect(header!.origin.key).toBe(Buffer.from("k").toString("base64"));
        const key = letters.find(({ origin }) => origin.offset === "3")!;
        expect([key.leftOutKey, key.origin.key]).toEqual([800_000, undefined]);
      }
      expect((await at.events(2)).map(({ postId }) => postId).sort()).toEqual(["after", "before"]);
      expect((await stopped(worker)).code).toBe(0);
      expect(await at.committed()).toBe(count + 2);
    });
  },
);

/** Letters that cannot be packed, the same each time. */
function noise(bytes: number): string {
  let seed = 1;
  return Array.from({ length: bytes }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return String.fromCharCode(33 + (seed % 90));
  }).join("");
}
