import type { DatabaseSync } from "node:sqlite";

/** Changes with the tables; a store of another number is refused. */
export const LAYOUT = 1;

/**
 * `emitted`: what was said of each post, the newest last, in numbers. `labels`: what people said of some of them, beside
 * what they are scored against. `waiting`: labels of posts that have not been seen. `places`: how far each partition was
 * read, changed in the same transaction as the rest. Keys and ids are kept as 64 bits of their hash: among a million
 * posts and a million labels, one in 10^7 such stores would join one label wrongly.
 */
const tables = `
CREATE TABLE IF NOT EXISTS names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS emitted(
  id INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER NOT NULL, post INTEGER NOT NULL, model INTEGER NOT NULL,
  revision INTEGER NOT NULL, at INTEGER NOT NULL, numbers TEXT NOT NULL, draft TEXT) STRICT;
CREATE INDEX IF NOT EXISTS emitted_key ON emitted(key);
CREATE INDEX IF NOT EXISTS emitted_post ON emitted(post);
CREATE TABLE IF NOT EXISTS labels(
  event INTEGER PRIMARY KEY, model INTEGER NOT NULL, at INTEGER NOT NULL, labelled INTEGER NOT NULL, weight REAL NOT NULL,
  gold TEXT NOT NULL, predicted TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS labels_labelled ON labels(labelled);
CREATE TABLE IF NOT EXISTS waiting(
  id INTEGER PRIMARY KEY AUTOINCREMENT, key INTEGER, post INTEGER, received INTEGER NOT NULL, label TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS waiting_key ON waiting(key);
CREATE INDEX IF NOT EXISTS waiting_post ON waiting(post);
CREATE TABLE IF NOT EXISTS places(place TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS hours(
  hour INTEGER NOT NULL, model INTEGER NOT NULL, posts INTEGER NOT NULL, predicted INTEGER NOT NULL, correct REAL NOT NULL,
  gold REAL NOT NULL, PRIMARY KEY(hour, model)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history(id INTEGER PRIMARY KEY AUTOINCREMENT, told TEXT NOT NULL) STRICT;
`;

/** Makes what is missing. Answers the layout that the store has, another one than ours where it was made by another version. */
export function makeTables(db: DatabaseSync): number {
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found !== 0 && found !== LAYOUT) return found;
  // What is lost with the last seconds is read again: the places are lost with it.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32000;");
  db.exec(`BEGIN; ${tables} PRAGMA user_version = ${LAYOUT}; COMMIT;`);
  return LAYOUT;
}
