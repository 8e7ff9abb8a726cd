import type { Feedback } from "../schema/feedback.ts";
import type { Scored } from "../score/index.ts";
import { packEntities, unpackEntities, unpackNumbers } from "./numbers.ts";
import type { SeenEntity } from "./observation.ts";
import { hashOf, type Store } from "./store.ts";

/**
 * What became of a label: joined with its event; `replaced` an older one, or was `repeated` or `outdated`; `waiting` for
 * an event that has not come, `other_model` for one of the model it names; `off_text` is not counted at all.
 */
export type LabelResult = "joined" | "replaced" | "repeated" | "outdated" | "waiting" | "other_model" | "off_text";

interface Found {
  readonly id: number;
  readonly model: number;
  readonly at: number;
  readonly numbers: string;
}

/**
 * Joins a label with the newest event it names, or lets it wait. Both times are in milliseconds since 1970: when it was
 * made, as far as that is believed, and when it came.
 */
export function takeLabel(store: Store, label: Feedback, labelledAt: number, received: number): LabelResult {
  const found = eventsOf(store, label);
  if (found.length === 0) return wait(store, label, received);
  const { names } = store;
  const event = found.find(({ model }) => label.model === undefined || names.nameOf(model) === label.model);
  if (event === undefined) return wait(store, label, received) === "repeated" ? "repeated" : "other_model";
  const { entities, input } = unpackNumbers(event.numbers, names);
  if (input !== undefined && label.entities.some(({ end }) => end > input.characters)) return "off_text";
  return join(store, label, { event, entities, labelledAt });
}

/** All events of a post, the newest first; a key names one. */
function eventsOf({ all }: Store, { key, postId }: Feedback): Found[] {
  const where = key === undefined ? "post" : "key";
  const sql = `SELECT id, model, at, numbers FROM emitted WHERE ${where} = ? ORDER BY id DESC LIMIT 100`;
  return all<Found>(sql, hashOf((key ?? postId)!));
}

interface Joining {
  readonly event: Found;
  readonly entities: readonly SeenEntity[];
  readonly labelledAt: number;
}

/** Of two labels of one event the one that was made later counts, in whatever order they come. */
function join(
  store: Store,
  { entities: gold, weight }: Feedback,
  { event, entities, labelledAt }: Joining,
): LabelResult {
  const { names, run, get } = store;
  const said = packGold(gold, names);
  const before = get<{ labelled: number; gold: string; weight: number }>(
    "SELECT labelled, gold, weight FROM labels WHERE event = ?",
    event.id,
  );
  if (before?.labelled === labelledAt && before.gold === said && before.weight === weight) return "repeated";
  if (before !== undefined && before.labelled > labelledAt) return "outdated";
  run(
    "INSERT OR REPLACE INTO labels(event, model, at, labelled, weight, gold, predicted) VALUES (?, ?, ?, ?, ?, ?, ?)",
    event.id,
    event.model,
    event.at,
    labelledAt,
    weight,
    said,
    JSON.stringify(packEntities(entities, names)),
  );
  return before === undefined ? "joined" : "replaced";
}

/** The same span and type twice counts once. */
function packGold(gold: Feedback["entities"], { idOf }: Store["names"]): string {
  const inOrder = gold
    .map(({ start, end, type }) => [start, end, idOf(type)] as const)
    .sort(([a, b, c], [d, e, f]) => a - d || b - e || c - f);
  return JSON.stringify([...new Set(inOrder.map((one) => one.join()))].flatMap((one) => one.split(",").map(Number)));
}

function wait({ run, get }: Store, label: Feedback, received: number): LabelResult {
  const { key, postId } = label;
  const text = JSON.stringify(label);
  const place = key === undefined ? { column: "post", hash: hashOf(postId!) } : { column: "key", hash: hashOf(key) };
  const same = `SELECT id FROM waiting WHERE ${place.column} = ? AND label = ?`;
  if (get(same, place.hash, text) !== undefined) return "repeated";
  run(`INSERT INTO waiting(${place.column}, received, label) VALUES (?, ?, ?)`, place.hash, received, text);
  return "waiting";
}

/** Takes the labels out that waited for this event, and tells since when. */
export function labelsFor(
  { all, run }: Store,
  { key, postId }: { readonly key: string; readonly postId: string },
): { readonly label: Feedback; readonly received: number }[] {
  const columns = "SELECT id, received, label FROM waiting";
  const found = all<{ id: number; received: number; label: string }>(
    `${columns} WHERE key = ? UNION ${columns} WHERE post = ? ORDER BY id`,
    hashOf(key),
    hashOf(postId),
  );
  for (const { id } of found) run("DELETE FROM waiting WHERE id = ?", id);
  return found.map(({ label, received }) => ({ label: JSON.parse(label) as Feedback, received }));
}

export const waitingLabels = ({ get }: Store): number =>
  get<{ count: number }>("SELECT count(*) AS count FROM waiting")!.count;

/** Takes out the oldest of so many waiting labels that are more than may wait. Answers how many. */
export const pushOut = ({ run, limits }: Store, waiting: number): number =>
  waiting <= limits.waiting
    ? 0
    : run("DELETE FROM waiting WHERE id IN (SELECT id FROM waiting ORDER BY id LIMIT ?)", waiting - limits.waiting);

/** Labels that waited too long: their posts were never seen. Answers how many. */
export const forgetWaiting = ({ run, limits }: Store, now: number): number =>
  run("DELETE FROM waiting WHERE received < ?", now - limits.waitingMs);

/** Many may have one time: of those the ones of older events go. */
export function forgetLabels({ run, get, limits }: Store): void {
  const oldest = get<{ labelled: number; event: number }>(
    "SELECT labelled, event FROM labels ORDER BY labelled DESC, event DESC LIMIT 1 OFFSET ?",
    limits.labels,
  );
  if (oldest !== undefined) run("DELETE FROM labels WHERE (labelled, event) <= (?, ?)", oldest.labelled, oldest.event);
}

/** A post that a person marked, beside what was said of it. */
export interface Labelled extends Scored {
  readonly model: string;
  readonly predicted: readonly SeenEntity[];
  /** When the event was emitted, and when the label was made; milliseconds since 1970. */
  readonly at: number;
  readonly labelled: number;
  readonly weight: number;
}

/** The labels that were made last, at most `count`, none before `since`; the newest first. */
export function newestLabels({ all, names }: Store, count: number, since = 0): Labelled[] {
  const rows = all<{ model: number; at: number; labelled: number; weight: number; gold: string; predicted: string }>(
    "SELECT model, at, labelled, weight, gold, predicted FROM labels WHERE labelled >= ? ORDER BY labelled DESC, event DESC LIMIT ?",
    since,
    count,
  );
  return rows.map(({ model, gold, predicted, ...row }) => ({
    ...row,
    model: names.nameOf(model),
    predicted: unpackEntities(JSON.parse(predicted) as number[], names),
    gold: unpackGold(JSON.parse(gold) as number[], names),
  }));
}

const unpackGold = (packed: readonly number[], { nameOf }: Store["names"]): Scored["gold"] =>
  Array.from({ length: packed.length / 3 }, (_, i) => ({
    start: packed[3 * i]!,
    end: packed[3 * i + 1]!,
    type: nameOf(packed[3 * i + 2]!),
  }));
