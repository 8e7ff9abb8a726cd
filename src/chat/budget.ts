import { openStore, whileUsing } from "./store.ts";

/** Money is counted in whole billionths of a dollar: a token of the cheapest models costs some fifty of them. */
const NANO = 1e9;

/** Money put aside for one call. Where it is never settled, because the process was killed, it stays spent. */
export interface Reservation {
  /** Puts what the call really cost in place of what was put aside, in US dollars. */
  settle(usd: number): void;
}

export interface Budget {
  /**
   * Puts money aside under a name that outlives the process; false where less is left today. A name that holds money
   * already keeps what it holds. Throws CHAT_STORE_FAILED.
   */
  hold(name: string, usd: number): boolean;
  /** Puts what was really spent in place of what a name holds, on the day it was put aside; nothing where it holds none. */
  release(name: string, usd: number): void;
  /** Puts money aside, or answers undefined where less is left today. Throws CHAT_STORE_FAILED. */
  reserve(usd: number): Reservation | undefined;
  /** Of today, in US dollars; never below 0. */
  leftUsd(): number;
  close(): void;
}

export interface BudgetOptions {
  readonly usdPerDay: number;
  /** Shared by all processes that name it; `:memory:` for this one alone. */
  readonly file: string;
}

const tables = `
  CREATE TABLE IF NOT EXISTS spending (day TEXT PRIMARY KEY, nano INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS held (name TEXT PRIMARY KEY, day TEXT NOT NULL, nano INTEGER NOT NULL) STRICT`;

/** A budget for each day of UTC, in a file. */
export function openBudget({ usdPerDay, file }: BudgetOptions): Budget {
  const limit = Math.floor(usdPerDay * NANO);
  const db = openStore({ file, tables, durable: true });
  // One statement is one transaction: between looking and taking, no other process can take.
  const take = db.prepare(
    "INSERT INTO spending (day, nano) VALUES (:day, :nano) ON CONFLICT (day) DO UPDATE SET nano = nano + :nano WHERE nano + :nano <= :limit",
  );
  const correct = db.prepare("UPDATE spending SET nano = nano + :nano WHERE day = :day");
  const look = db.prepare("SELECT nano FROM spending WHERE day = :day");
  const holds = db.prepare("SELECT day, nano FROM held WHERE name = :name");
  const hold = db.prepare("INSERT INTO held (name, day, nano) VALUES (:name, :day, :nano)");
  const free = db.prepare("DELETE FROM held WHERE name = :name RETURNING day, nano");
  const inOne = <T>(work: () => T): T =>
    whileUsing(file, () => {
      db.exec("BEGIN IMMEDIATE");
      try {
        const done = work();
        db.exec("COMMIT");
        return done;
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    });

  return {
    hold: (name, usd) =>
      inOne(() => {
        if (holds.get({ name }) !== undefined) return true;
        const [day, nano] = [today(), Math.ceil(usd * NANO)];
        if (nano > limit || Number(take.run({ day, nano, limit }).changes) === 0) return false;
        hold.run({ name, day, nano });
        return true;
      }),
    release: (name, usd) =>
      inOne(() => {
        const held = free.get({ name }) as { day: string; nano: number } | undefined;
        if (held !== undefined) correct.run({ day: held.day, nano: Math.ceil(usd * NANO) - held.nano });
      }),
    reserve(usd) {
      const day = today();
      const nano = Math.ceil(usd * NANO);
      if (nano > limit) return undefined;
      const { changes } = whileUsing(file, () => take.run({ day, nano, limit }));
      if (Number(changes) === 0) return undefined;
      return {
        settle: (cost) => whileUsing(file, () => void correct.run({ day, nano: Math.ceil(cost * NANO) - nano })),
      };
    },
    leftUsd: () => Math.max(0, limit - Number(whileUsing(file, () => look.get({ day: today() }))?.nano ?? 0)) / NANO,
    close: () => db.close(),
  };
}

const today = (): string => new Date().toISOString().slice(0, 10);
