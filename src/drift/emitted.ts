import { packAgreement, packEntities, packNumbers, unpackAgreement, unpackNumbers } from "./numbers.ts";
import { draftAgreement, type Observation } from "./observation.ts";
import { hashOf, type Store } from "./store.ts";

export type EventResult = "kept" | "revised" | "repeated" | "outdated";

interface Row {
  readonly id: number;
  readonly model: number;
  readonly revision: number;
  readonly at: number;
  readonly numbers: string;
}

const columns = "id, model, revision, at, numbers";
const HOUR_MS = 3_600_000;

/** Keeps an event: of those with one key the highest revision. Labels that were joined with it follow. */
export function keepEvent(store: Store, event: Observation): EventResult {
  const key = hashOf(event.key);
  const before = store.get<Row>(`SELECT ${columns} FROM emitted WHERE key = ?`, key);
  if (before === undefined) {
    insert(store, key, event);
    addToHour(store, event, event.at, 1);
    return "kept";
  }
  if (before.revision === event.revision) return "repeated";
  if (before.revision > event.revision) return "outdated";
  revise(store, before, event);
  return "revised";
}

function insert(store: Store, key: bigint, event: Observation): void {
  const { names } = store;
  store.run(
    "INSERT INTO emitted(key, post, model, revision, at, numbers) VALUES (?, ?, ?, ?, ?, ?)",
    key,
    hashOf(event.postId),
    names.idOf(event.model),
    event.revision,
    event.at,
    packNumbers(event, names),
  );
}

function revise(store: Store, before: Row, event: Observation): void {
  const { names } = store;
  const draft = unpackNumbers(before.numbers, names);
  addToHour(store, { ...draft, model: names.nameOf(before.model) }, before.at, -1);
  addToHour(store, event, before.at, 1);
  store.run(
    "UPDATE emitted SET model = ?, revision = ?, numbers = ?, draft = ? WHERE id = ?",
    names.idOf(event.model),
    event.revision,
    packNumbers(event, names),
    packAgreement(draftAgreement(draft.entities, event.entities)),
    before.id,
  );
  const predicted = JSON.stringify(packEntities(event.entities, names));
  store.run(
    "UPDATE labels SET predicted = ?, model = ? WHERE event = ?",
    predicted,
    names.idOf(event.model),
    before.id,
  );
}

function addToHour(
  { names, run }: Store,
  { entities, expected, model }: Pick<Observation, "entities" | "expected" | "model">,
  at: number,
  sign: 1 | -1,
): void {
  if (expected === undefined) return;
  run(
    `INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET posts = posts + excluded.posts,
     predicted = predicted + excluded.predicted, correct = correct + excluded.correct, gold = gold + excluded.gold`,
    Math.floor(at / HOUR_MS),
    names.idOf(model),
    sign,
    sign * entities.length,
    sign * expected.correct,
    sign * expected.gold,
  );
}

/** An event as it was kept, with how far its draft agreed, where it had one that was replaced. */
export interface Kept extends Omit<Observation, "key" | "postId"> {
  readonly draft: ReturnType<typeof draftAgreement> | undefined;
}

/** The newest events, the newest last. */
export function newestEvents({ all, names }: Store, count: number): Kept[] {
  const rows = all<Row & { draft: string | null }>(
    `SELECT ${columns}, draft FROM emitted ORDER BY id DESC LIMIT ?`,
    count,
  );
  return rows.reverse().map(({ model, revision, at, numbers, draft }) => ({
    model: names.nameOf(model),
    revision,
    at,
    ...unpackNumbers(numbers, names),
    draft: draft === null ? undefined : unpackAgreement(draft),
  }));
}

export interface HourSum {
  readonly model: string;
  readonly posts: number;
  readonly predicted: number;
  readonly correct: number;
  readonly gold: number;
}

/** Sums by model over whole hours, from that of `since` on. */
export const hourSums = ({ all, names }: Store, since: number): HourSum[] =>
  all<Omit<HourSum, "model"> & { model: number }>(
    `SELECT model, sum(posts) AS posts, sum(predicted) AS predicted, sum(correct) AS correct, sum(gold) AS gold
     FROM hours WHERE hour > ? GROUP BY model HAVING sum(posts) > 0`,
    Math.floor(since / HOUR_MS),
  ).map((row) => ({ ...row, model: names.nameOf(row.model) }));

/** How many were ever kept, the newest time among the newest, and how many are still there. */
export function eventsKept({ get }: Store): {
  readonly ever: number;
  readonly newestAt: number;
  readonly stored: number;
} {
  const [newest, oldest] = ["DESC", "ASC"].map((order) =>
    get<{ id: number; at: number }>(`SELECT id, at FROM emitted ORDER BY id ${order} LIMIT 1`),
  );
  if (newest === undefined || oldest === undefined) return { ever: 0, newestAt: 0, stored: 0 };
  return { ever: newest.id, newestAt: newest.at, stored: newest.id - oldest.id + 1 };
}

/** Forgets what is beyond the limits. */
export function forgetEvents({ run, limits }: Store, now: number): void {
  run("DELETE FROM emitted WHERE id <= (SELECT max(id) FROM emitted) - ?", limits.events);
  run("DELETE FROM hours WHERE hour < ?", Math.floor(now / HOUR_MS) - 24 * 8);
}
