import type { Test } from "./suite.ts";

/** Runs a suite by hand and tells which of its clauses fail. */
export async function brokenClauses(declare: (test: Test) => void): Promise<string[]> {
  const broken: string[] = [];
  for (const [title, run] of clausesOf(declare))
    await run().catch((error: unknown) => void broken.push(`${title}: ${String(error)}`));
  return broken;
}

export function clausesOf(declare: (test: Test) => void): Map<string, () => Promise<void>> {
  const clauses = new Map<string, () => Promise<void>>();
  const test = (name: string, run: () => Promise<void>) => clauses.set(name.slice(name.indexOf(": ") + 2), run);
  declare(Object.assign(test, { skip: () => {} }));
  return clauses;
}
