import type { Kafka } from "kafkajs";
import type { DeadLetter, EntityEvent } from "starling-ner";
import { type GroupRecord, readGroupRecord } from "./commits.ts";
import { GROUP, topics } from "./config.ts";
import { type Read, readTopic, readUntil } from "./read-topic.ts";
import { type Evidence, identityOf, placeOf, type Seen } from "./verdict.ts";

/** Reads all that the topics hold, once nobody writes to them any more. */
export async function gather(kafka: Kafka, partitions: number, crashes: readonly number[]): Promise<Evidence> {
  const inputs = await readTopic(kafka, topics.posts, partitions);
  const events = await readTopic(kafka, topics.entities, partitions);
  const letters = await readTopic(kafka, topics.letters, 1);
  return {
    inputs: new Map(inputs.map((read) => [placeIn(topics.posts, read), read.message.headers?.poison !== undefined])),
    events: events.map(seenEvent),
    letters: letters.map(seenLetter),
    crashes,
  };
}

const placeIn = (topic: string, { partition, message }: Read) => `${topic}/${partition}:${message.offset}`;

function seenEvent({ message }: Read): Seen {
  const event = JSON.parse(String(message.value)) as EntityEvent;
  return {
    place: placeOf(event.key),
    identity: identityOf(event.key, event.revision),
    final: event.final,
    content: JSON.stringify(event.entities),
    atMs: Number(message.timestamp),
  };
}

function seenLetter({ message }: Read): Seen {
  const { key, code, origin } = JSON.parse(String(message.value)) as DeadLetter;
  const place = `${origin.lane}:${origin.offset}`;
  return { place, identity: identityOf(key, "dead"), final: true, content: code, atMs: Number(message.timestamp) };
}

/** Every record of the groups up to now; a commit of another group marks the end. */
export async function groupRecords(kafka: Kafka): Promise<GroupRecord[]> {
  const marker = `marker-${Date.now()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.setOffsets({ groupId: marker, topic: topics.posts, partitions: [{ partition: 0, offset: "0" }] });
  await admin.disconnect();
  const records: GroupRecord[] = [];
  await readUntil(kafka, "__consumer_offsets", 60_000, ({ message }) => {
    const record = readGroupRecord(message);
    if (record) records.push(record);
    return { done: record?.kind === "commit" && record.group === marker, keep: false };
  });
  return records;
}

/** How many members the group has by now. */
export async function membersOf(kafka: Kafka): Promise<number> {
  const joined = (await groupRecords(kafka)).filter(({ kind, group }) => kind === "members" && group === GROUP);
  const last = joined.at(-1);
  return last?.kind === "members" ? last.members.size : 0;
}
