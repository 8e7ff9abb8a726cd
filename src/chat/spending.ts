import { openStore, whileUsing } from "./store.ts";

/** What was spent on each day of UTC, in billionths of a dollar, in a file that several processes may share. */
export interface Spending {
  readonly isOpen: boolean;
  on(day: string): number;
  /** All of it, or nothing: returns once it is written, or throws CHAT_STORE_FAILED. */
  write(entry: Entry): Written;
  /** Adds to a day's spending under a name; false where that would exceed the limit. A name that has some keeps it. */
  hold(held: Held): boolean;
  /** Puts `nano` in place of what a name holds, on its day; nothing where it holds none. */
  release(name: string, nano: number): void;
  close(): void;
}

export interface Entry {
  /** Changes of what was written before, by day. */
  readonly corrections: ReadonlyMap<string, number>;
  readonly day: string;
  /** What is wished for on that day, in the order it came. */
  readonly wishes: readonly number[];
  /** Of that day: a wish that would exceed it is left out. */
  readonly limit: number;
}

export interface Held extends Pick<Entry, "day" | "limit"> {
  readonly name: string;
  readonly nano: number;
}

export interface Written {
  /** Whether each wish was written. */
  readonly granted: readonly boolean[];
  /** On that day, all in all. */
  readonly spent: number;
}

const tables = `
  CREATE TABLE IF NOT EXISTS spending (day TEXT PRIMARY KEY, nano INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS held (name TEXT PRIMARY KEY, day TEXT NOT NULL, nano INTEGER NOT NULL) STRICT`;

/** Opens the file, made where it is missing. Throws CHAT_STORE_FAILED. */
export function openSpending(file: string): Spending {
  const db = openStore({ file, tables, durable: true });
  const look = db.prepare("SELECT nano FROM spending WHERE day = :day");
  const add = db.prepare(
    "INSERT INTO spending (day, nano) VALUES (:day, :nano) ON CONFLICT (day) DO UPDATE SET nano = nano + :nano",
  );
  const holds = db.prepare("SELECT nano FROM held WHERE name = :name");
  const hold = db.prepare("INSERT INTO held (name, day, nano) VALUES (:name, :day, :nano)");
  const free = db.prepare("DELETE FROM held WHERE name = :name RETURNING day, nano");
  const on = (day: string) => Number(look.get({ day })?.nano ?? 0);

  const inTransaction = <T>(work: () => T): T => {
    // The right to write comes first: between looking and writing no other process can write.
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  };

  return {
    get isOpen() {
      return db.isOpen;
    },
    on: (day) => whileUsing(file, () => on(day)),
    write: ({ corrections, day, wishes, limit }) =>
      whileUsing(file, () =>
        inTransaction(() => {
          for (const [day, nano] of corrections) add.run({ day, nano });
          const before = on(day);
          const written = grant(wishes, before, limit);
          if (written.spent > before) add.run({ day, nano: written.spent - before });
          return written;
        }),
      ),
    hold: ({ name, day, nano, limit }) =>
      whileUsing(file, () =>
        inTransaction(() => {
          if (holds.get({ name }) !== undefined) return true;
          if (on(day) + nano > limit) return false;
          add.run({ day, nano });
          hold.run({ name, day, nano });
          return true;
        }),
      ),
    release: (name, nano) =>
      whileUsing(file, () =>
        inTransaction(() => {
          const held = free.get({ name }) as { day: string; nano: number } | undefined;
          if (held !== undefined) add.run({ day: held.day, nano: nano - held.nano });
        }),
      ),
    close: () => db.close(),
  };
}

function grant(wishes: readonly number[], before: number, limit: number): Written {
  let spent = before;
  const granted = wishes.map((nano) => {
    const fits = spent + nano <= limit;
    if (fits) spent += nano;
    return fits;
  });
  return { granted, spent };
}
