/** A record of the output or of the dead letters, as far as a verdict needs it. */
export interface Seen {
  /** Where its post stands in the input: `topic/partition:offset`. */
  readonly place: string;
  /** Key and revision: what consumers tell duplicates by. */
  readonly identity: string;
  readonly final: boolean;
  /** What must be the same in every copy. */
  readonly content: string;
  /** When the broker appended it, in milliseconds since 1970. */
  readonly atMs: number;
}

export interface Evidence {
  /** Every post of the input by its place; true for a poison one. */
  readonly inputs: ReadonlyMap<string, boolean>;
  readonly events: readonly Seen[];
  readonly letters: readonly Seen[];
  /** When something was killed, rising. */
  readonly crashes: readonly number[];
}

export interface Verdict {
  readonly events: number;
  /** Posts without a final event or a dead letter. */
  readonly lost: number;
  /** Records beyond the first of each key and revision. */
  readonly duplicates: number;
  /** How many posts each crash repeated; see `causeOf`. */
  readonly duplicatesPerCrash: readonly number[];
  readonly duplicatesWithoutCrash: number;
  /** Records beyond one for each post and revision, once key and revision are unique. */
  readonly duplicatesAfterKey: number;
  /** Keys and revisions whose copies differ. */
  readonly unequal: number;
  /** Poison posts of the input: the one who feeds it may send some twice, too. */
  readonly poison: number;
  /** Those in the dead letters. */
  readonly deadLettered: number;
  /** Good posts in the dead letters. */
  readonly wronglyDead: number;
  readonly inBoth: number;
  /** Records of no post of the input. */
  readonly strangers: number;
}

/** What became of the posts. Pure: everything it knows stands in the evidence. */
export function judge({ inputs, events, letters, crashes }: Evidence): Verdict {
  const finals = new Set(events.filter(({ final }) => final).map(({ place }) => place));
  const dead = new Set(letters.map(({ place }) => place));
  const places = [...inputs.keys()];
  const repeated = [...repeatsOf(events), ...repeatsOf(letters)];
  const perCrash = countPerCrash(repeated, crashes);
  return {
    events: inputs.size,
    lost: places.filter((place) => !finals.has(place) && !dead.has(place)).length,
    duplicates: repeated.length,
    duplicatesPerCrash: perCrash.by,
    duplicatesWithoutCrash: perCrash.without,
    duplicatesAfterKey: afterKey(events) + afterKey(letters),
    unequal: unequalOf(events),
    poison: places.filter((place) => inputs.get(place)).length,
    deadLettered: places.filter((place) => inputs.get(place) && dead.has(place)).length,
    wronglyDead: places.filter((place) => !inputs.get(place) && dead.has(place)).length,
    inBoth: [...dead].filter((place) => finals.has(place)).length,
    strangers: [...events, ...letters].filter(({ place }) => !inputs.has(place)).length,
  };
}

/** A few of the records that came twice, each with the times of its copies, for whoever looks for the reason. */
export function examplesOf({ events, letters, crashes }: Evidence, count: number): string[] {
  const all = [...events, ...letters];
  return repeatsOf(all)
    .slice(0, count)
    .map(({ identity }) => {
      const times = all.filter((record) => record.identity === identity).map(({ atMs }) => atMs);
      return `${identity} came at ${times.join(", ")}; kills at ${crashes.join(", ")}`;
    });
}

interface Repeat extends Seen {
  /** When the copy before it was appended. */
  readonly beforeMs: number;
}

function repeatsOf(records: readonly Seen[]): Repeat[] {
  const last = new Map<string, number>();
  const repeats: Repeat[] = [];
  for (const record of records.toSorted((a, b) => a.atMs - b.atMs)) {
    const beforeMs = last.get(record.identity);
    last.set(record.identity, record.atMs);
    if (beforeMs !== undefined) repeats.push({ ...record, beforeMs });
  }
  return repeats;
}

/**
 * The first crash between the copies: the post was in flight then, as nobody had committed it. It may come again only
 * after the next crash, since a dead worker's partitions wait for the end of its session. Without a crash between them,
 * the group was divided anew after the one before; -1 where there is none.
 */
function causeOf({ beforeMs, atMs }: Repeat, crashes: readonly number[]): number {
  const between = crashes.findIndex((at) => at >= beforeMs && at <= atMs);
  return between >= 0 ? between : crashes.findLastIndex((at) => at <= atMs);
}

/** Posts, not records: a post that is asked about sends two. */
function countPerCrash(repeated: readonly Repeat[], crashes: readonly number[]) {
  const by = crashes.map(() => new Set<string>());
  let without = 0;
  for (const repeat of repeated) {
    const cause = causeOf(repeat, crashes);
    if (cause < 0) without++;
    else by[cause]!.add(repeat.place);
  }
  return { without, by: by.map(({ size }) => size) };
}

/** Records of one post and revision that differ in their key, which a consumer could not tell for copies. */
function afterKey(records: readonly Seen[]): number {
  const identities = new Set(records.map(({ identity }) => identity));
  const posts = new Set(records.map(({ place, identity }) => `${place} ${revisionOf(identity)}`));
  return identities.size - posts.size;
}

const revisionOf = (identity: string) => identity.slice(identity.lastIndexOf(" ") + 1);

function unequalOf(records: readonly Seen[]): number {
  const first = new Map<string, string>();
  const unequal = new Set<string>();
  for (const { identity, content } of records) {
    const known = first.get(identity);
    if (known === undefined) first.set(identity, content);
    else if (known !== content) unequal.add(identity);
  }
  return unequal.size;
}

export const identityOf = (key: string, revision: number | string): string => `${key} ${revision}`;

/** `topic/partition:offset` of an event's key, which the pipeline's version ends. */
export const placeOf = (key: string): string => key.slice(0, key.lastIndexOf(":"));
