import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../kafka/broker.ts";
import { noBroker } from "../../kafka/missing.ts";
import { users } from "../../kafka/secure.ts";
import type { Running } from "../starling.ts";
import { makePlace, type Place, post, stopped } from "./place.ts";

describe.skipIf(noBroker)(
  `TLS, SASL and rights on Kafka${noBroker ? ` (${noBroker})` : ""}`,
  { timeout: 120_000 },
  () => {
    let broker: Broker;
    let at: Place;
    const running: Running[] = [];
    beforeAll(async () => {
      broker = await startBroker({ secure: true });
    }, 150_000);
    afterAll(() => broker?.wipe());
    afterEach(async () => {
      for (const { child } of running.splice(0)) child.kill("SIGKILL");
      await at?.close();
    });

    /** A worker that comes by another listener than the plain one, with `options` of its client. */
    const run = (options: Record<string, unknown>) => {
      const worker = at.run((config) => {
        config.resources.broker.options = options;
      });
      running.push(worker);
      return worker;
    };
    const tls = () => ({ ca: broker.secure!.ca });
    const scram = (username: keyof typeof users, password: string = users[username]) => ({
      mechanism: "scram-sha-512",
      username,
      password,
    });
    const allow = (resourceType: AclResourceTypes, resourceName: string, operation = AclOperationTypes.ALL) => ({
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: "User:alice",
      host: "*",
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    });
    const newPlace = async ({ except }: { except?: "group" | "posts" | "entities" | "letters" } = {}) => {
      at = await makePlace(broker.address);
      const topics = (["posts", "entities", "letters"] as const).filter((name) => name !== except);
      const rules = topics.map((name) => allow(AclResourceTypes.TOPIC, at.topics[name]));
      if (except !== "group") rules.push(allow(AclResourceTypes.GROUP, at.group));
      if (except && except !== "group")
        rules.push(allow(AclResourceTypes.TOPIC, at.topics[except], AclOperationTypes.DESCRIBE));
      await at.admin.createAcls({ acl: rules });
      await at.send(post("one"));
    };

    test.each(["scram-sha-256", "scram-sha-512", "plain"])("%s over TLS lets a worker in", async (mechanism) => {
      await newPlace();
      const worker = run({ brokers: [broker.secure!.saslSsl], tls: tls(), sasl: { ...scram("alice"), mechanism } });
      expect((await at.events(1))[0]).toMatchObject({ postId: "one" });
      expect((await stopped(worker)).code).toBe(0);
      expect(await at.committed()).toBe(1);
    });

    test("an authority that the client does not trust is told", async () => {
      await newPlace();
      const { code, stderr } = await run({ brokers: [broker.secure!.saslSsl], tls: {}, sasl: scram("alice") }).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/certificate/);
      expect(stderr).not.toContain(users.alice);
    });

    test("a wrong password is told without showing it", async () => {
      await newPlace();
      const sasl = scram("alice", "not-the-password");
      const { code, stderr } = await run({ brokers: [broker.secure!.saslSsl], tls: tls(), sasl }).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/did not let us in/);
      expect(stderr).not.toContain("not-the-password");
      expect(await at.committed()).toBe(0);
    });

    test("PLAIN without TLS is refused before a byte is sent", async () => {
      await newPlace();
      const sasl = { ...scram("alice"), mechanism: "plain" };
      const { code, stderr } = await run({ brokers: [broker.secure!.saslPlaintext], sasl }).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/plain would send the password in clear text/);
    });

    test.each(["group", "posts", "entities", "letters"] as const)(
      "a right that is missing is told (%s)",
      async (except) => {
        await newPlace({ except });
        if (except === "letters") await at.send({ value: "not json" });
        const { code, stderr } = await run({ brokers: [broker.secure!.saslSsl], tls: tls(), sasl: scram("alice") })
          .ended;
        expect([1, 2]).toContain(code);
        expect(stderr).toMatch(/is not allowed/);
        expect(stderr).toContain(except === "group" ? at.group : at.topics[except]);
        expect(await at.committed()).toBeLessThanOrEqual(except === "letters" ? 1 : 0);
      },
    );
  },
);
