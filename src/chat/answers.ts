import type { ChatAnswer } from "../chat.ts";
import { openStore } from "./store.ts";

/** What is kept of an answer: whoever finds it pays nothing. */
export type KeptAnswer = Omit<ChatAnswer, "usd" | "cached">;

export interface Answers {
  get(key: string): KeptAnswer | undefined;
  put(key: string, answer: KeptAnswer): void;
  close(): void;
}

export interface AnswersOptions {
  readonly file: string;
  readonly maxMb: number;
  readonly maxAgeMs: number;
  /** Told of what goes wrong while nobody waits. */
  failed(error: Error): void;
}

/** Bytes that a row takes beside its answer: key, times, index. */
const ROW_BYTES = 160;
/** How long an answer may wait to be written together with others, in milliseconds. */
const GATHER_MS = 50;
/** Share of the file's answers that goes at once when it is full. */
const PRUNED = 0.1;

const tables = `
  CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS answers_by_age ON answers (at);
`;

/** Answers in a file of `node:sqlite`; when it is full, those that were written first go. Throws CHAT_STORE_FAILED, and later what SQLite throws. */
export function openAnswers({ file, maxMb, maxAgeMs, failed }: AnswersOptions): Answers {
  const db = openStore({ file, tables, durable: false });
  const get = db.prepare("SELECT answer FROM answers WHERE key = :key AND at >= :oldest");
  const put = db.prepare("INSERT OR REPLACE INTO answers (key, answer, bytes, at) VALUES (:key, :answer, :bytes, :at)");
  const size = db.prepare("SELECT COALESCE(SUM(bytes), 0) AS bytes, COUNT(*) AS rows FROM answers");
  const dropAged = db.prepare("DELETE FROM answers WHERE at < :oldest");
  const dropFirst = db.prepare("DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY at LIMIT :rows)");
  const maxBytes = maxMb * 2 ** 20;
  const measure = () => {
    const { bytes, rows } = size.get() as { bytes: number; rows: number };
    return { bytes, rows };
  };
  const prune = () => {
    dropAged.run({ oldest: Date.now() - maxAgeMs });
    for (let now = measure(); now.bytes > maxBytes; now = measure())
      dropFirst.run({ rows: Math.ceil(now.rows * PRUNED) });
    return measure().bytes;
  };
  // Other processes may write too: what they add is seen when this one prunes, and each prunes what it sees.
  let bytes = prune();

  const write = (key: string, given: KeptAnswer) => {
    const answer = JSON.stringify(given);
    const added = Buffer.byteLength(answer) + ROW_BYTES;
    put.run({ key, answer, bytes: added, at: Date.now() });
    bytes += added;
  };
  // Each commit costs as much as a hundred rows.
  const pending = new Map<string, KeptAnswer>();
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.size === 0) return;
    db.exec("BEGIN IMMEDIATE");
    try {
      for (const [key, answer] of pending) write(key, answer);
      db.exec("COMMIT");
    } catch (error) {
      db.exec("ROLLBACK");
      throw error;
    } finally {
      pending.clear();
    }
    if (bytes > maxBytes) bytes = prune();
  };

  const flushOrTell = () => {
    try {
      flush();
    } catch (error) {
      failed(error as Error);
    }
  };

  return {
    get(key) {
      const waiting = pending.get(key);
      if (waiting !== undefined) return waiting;
      const row = get.get({ key, oldest: Date.now() - maxAgeMs });
      return row === undefined ? undefined : (JSON.parse(row.answer as string) as KeptAnswer);
    },
    put(key, answer) {
      pending.set(key, answer);
      timer ??= setTimeout(flushOrTell, GATHER_MS);
    },
    close() {
      flushOrTell();
      db.close();
    },
  };
}
