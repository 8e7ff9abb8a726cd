import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** The runner's `test` function: those of vitest and of node:test both fit. */
export interface Test {
  (name: string, run: () => Promise<void>): unknown;
  skip(name: string, run: () => Promise<void>): unknown;
}

/** What every kind of plugin hands to its suite. `C` are the titles of the kind's clauses. */
export interface Suite<C extends string> {
  /** `test` of vitest or node:test. */
  readonly test: Test;
  /** Clause title to the reason this plugin cannot keep it. */
  readonly skip?: Readonly<Partial<Record<C, string>>>;
  /** Resources the plugin borrows, by the name its options use. */
  readonly lend?: Readonly<Record<string, unknown>>;
}

/** Milliseconds within which an aborted plugin must have stopped. */
const STOP_MS = 1000;

/** Registers clauses with the runner, as `<plugin>: <title>`; a clause that is skipped says why. */
export function register<C extends string>(
  name: string,
  suite: Suite<C>,
  clauses: Record<C, () => Promise<void>>,
): void {
  for (const title of Object.keys(suite.skip ?? {}))
    assert.ok(title in clauses, `${name}: there is no clause "${title}" to skip`);
  for (const [title, run] of Object.entries(clauses) as [C, () => Promise<void>][]) {
    const reason = suite.skip?.[title];
    if (reason === undefined) suite.test(`${name}: ${title}`, run);
    else suite.test.skip(`${name}: ${title} (skipped: ${reason})`, run);
  }
}

/** Fails unless `work` ends, well or badly, within a second. */
export async function endsSoon(work: Promise<unknown>, what: string): Promise<void> {
  const timer = new AbortController();
  const ended = work.then(
    () => "ended",
    () => "ended",
  );
  const late = sleep(STOP_MS, "late", { signal: timer.signal }).catch(() => "ended");
  assert.equal(await Promise.race([ended, late]), "ended", `${what} was still running ${STOP_MS} ms after the abort`);
  timer.abort();
}
