import { readFileSync } from "node:fs";
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  ResourcePatternTypes,
} from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "./broker.ts";
import { noBroker } from "./missing.ts";
import { users } from "./secure.ts";
import { sharedBroker } from "./shared.ts";

const quiet = { logLevel: logLevel.NOTHING, retry: { retries: 2, initialRetryTime: 50 } };
const connect = (address: string, more: Partial<KafkaConfig> = {}) =>
  new Kafka({ brokers: [address], ...quiet, ...more });

async function topics(kafka: Kafka): Promise<string[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

describe.skipIf(noBroker)(`the broker of the tests${noBroker ? ` (${noBroker})` : ""}`, { timeout: 120_000 }, () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker({ secure: true });
    const admin = connect(broker.address).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "kept" }] });
    const acl = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: "kept",
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: "User:alice",
      host: "*",
      operation: AclOperationTypes.ALL,
      permissionType: AclPermissionTypes.ALLOW,
    };
    await admin.createAcls({ acl: [acl] });
    await admin.disconnect();
  }, 120_000);
  afterAll(() => broker?.wipe());

  const tls = () => ({ ca: [readFileSync(broker.secure!.ca)], servername: "localhost" });
  const as = (
    username: keyof typeof users,
    mechanism: "plain" | "scram-sha-256" | "scram-sha-512" = "scram-sha-512",
  ) => ({
    sasl: { mechanism, username, password: users[username] } as NonNullable<KafkaConfig["sasl"]>,
  });

  test("takes SCRAM with and without TLS, and PLAIN over TLS", async () => {
    const { saslSsl, saslPlaintext } = broker.secure!;
    for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const)
      expect(await topics(connect(saslSsl, { ssl: tls(), ...as("alice", mechanism) }))).toEqual(["kept"]);
    expect(await topics(connect(saslPlaintext, as("alice")))).toEqual(["kept"]);
  });

  test("shows nothing to whom no rule names, and refuses a wrong password", async () => {
    const { ssl, saslSsl } = broker.secure!;
    expect(await topics(connect(saslSsl, { ssl: tls(), ...as("mallory") }))).toEqual([]);
    expect(await topics(connect(ssl, { ssl: tls() }))).toEqual(["kept"]);
    const sasl = { mechanism: "scram-sha-512" as const, username: "alice", password: "wrong" };
    await expect(topics(connect(saslSsl, { ssl: tls(), sasl }))).rejects.toThrow(/[Aa]uthentication/);
  });

  test("keeps what it acknowledged when it is killed", async () => {
    const producer = connect(broker.address).producer();
    await producer.connect();
    await producer.send({ topic: "kept", acks: -1, messages: [{ value: "one" }, { value: "two" }] });
    await producer.disconnect();
    await broker.kill();
    await expect(topics(connect(broker.address))).rejects.toThrow(/ECONNREFUSED|[Cc]onnection/);
    await broker.start();
    const admin = connect(broker.address).admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets("kept")).toMatchObject([{ partition: 0, high: "2" }]);
    await admin.disconnect();
  });

  test("one is shared by all files of a run", async () => {
    const [first, second] = await Promise.all([sharedBroker(), sharedBroker()]);
    expect(first).toBe(second);
    expect(await topics(connect(first))).toBeInstanceOf(Array);
  });
});
