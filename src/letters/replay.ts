import type { Producer } from "../log/index.ts";
import type { DeadLetter } from "../schema/dead-letter.ts";
import { bytesOf, type Filter, type Found, originOf, passes } from "./letter.ts";

/** Where posts are sent again. */
export interface Outbox {
  /** The place of one letter's post, for people; throws where there is none. */
  place(letter: DeadLetter): string;
  /** Resolves once all are durable. */
  send(letters: readonly DeadLetter[]): Promise<void>;
}

export interface ReplayRules {
  readonly filter: Filter;
  /** Posts to send, at most. */
  readonly limit: number;
  readonly dryRun: boolean;
}

export interface ReplayCount {
  /** How many were sent, or would have been, by place. */
  readonly sent: Map<string, number>;
  /** Letters that do not have the whole post: it was too long to be kept. */
  cut: number;
  /** Records that are no dead letters. */
  foreign: number;
}

export const emptyCount = (): ReplayCount => ({ sent: new Map(), cut: 0, foreign: 0 });

/** Header of a post that is sent again: where it stood when it was lost. */
export const REPLAYED = "starling-replay-of";

/** Letters sent at a time. */
const BATCH = 500;

/**
 * Sends the original bytes of dead letters again, in their order, until `limit`; a dry run only counts. `count` holds
 * what is durable, also where a later batch fails.
 */
export async function replayLetters(
  letters: AsyncIterable<Found>,
  outbox: Outbox,
  { filter, limit, dryRun }: ReplayRules,
  count: ReplayCount,
): Promise<void> {
  let batch: DeadLetter[] = [];
  const flush = async () => {
    const places = batch.map((letter) => outbox.place(letter));
    if (!dryRun && batch.length > 0) await outbox.send(batch);
    for (const place of places) count.sent.set(place, (count.sent.get(place) ?? 0) + 1);
    batch = [];
  };
  let chosen = 0;
  for await (const found of letters) {
    const { letter } = found;
    if (letter === undefined) count.foreign++;
    else if (!passes(found.at, letter, filter)) continue;
    else if (isCut(letter)) count.cut++;
    else {
      batch.push(letter);
      if (batch.length >= BATCH) await flush();
      if (++chosen >= limit) break;
    }
  }
  await flush();
}

/** Back into the topic that a post came from, or into another; key and headers as they were. */
export function topicOutbox(producer: Pick<Producer, "send">, topicOf: (letter: DeadLetter) => string): Outbox {
  return {
    place: topicOf,
    send: (letters) =>
      producer.send(
        letters.map((letter) => ({
          topic: topicOf(letter),
          key: letter.origin.key === undefined ? null : Buffer.from(letter.origin.key, "base64"),
          value: bytesOf(letter),
          headers: { ...letter.origin.headers, [REPLAYED]: originOf(letter) },
        })),
      ),
  };
}

/** Lines of a file, which `starling run --input` reads. */
export const fileOutbox = (path: string, append: (bytes: Buffer) => Promise<void>): Outbox => ({
  place: () => path,
  send: (letters) => append(Buffer.concat(letters.flatMap((letter) => [oneLine(bytesOf(letter)), newline]))),
});

/** A line longer than is read of files, and what was too large for the letter. */
const isCut = ({ code, leftOut, leftOutHeaders, leftOutKey }: DeadLetter) =>
  code === "POST_TOO_LONG" || (leftOut ?? leftOutHeaders ?? leftOutKey) !== undefined;

const newline = Buffer.from("\n");

/** JSON has line breaks only where a space is as good. */
const oneLine = (bytes: Buffer) => Buffer.from(bytes.map((byte) => (byte === 10 || byte === 13 ? 32 : byte)));
