import assert from "node:assert/strict";

/** How far two answers to the same post may lie apart: batches are summed in another order. */
const TOLERANCE = 1e-5;

/** Deep equality where numbers may differ by 1e-5; errors are equal when name and message are. */
export function assertClose(actual: unknown, expected: unknown, what: string): void {
  const where = difference(actual, expected, what);
  assert.equal(where, undefined, where);
}

function difference(a: unknown, b: unknown, path: string): string | undefined {
  if (typeof a === "number" && typeof b === "number") return sameNumber(a, b) ? undefined : `${path}: ${a} is not ${b}`;
  if (a instanceof Error && b instanceof Error)
    return difference({ name: a.name, message: a.message }, { name: b.name, message: b.message }, path);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Object.is(a, b) ? undefined : `${path}: ${String(a)} is not ${String(b)}`;
  return differentPart(a as Record<string, unknown>, b as Record<string, unknown>, path);
}

const sameNumber = (a: number, b: number) => Object.is(a, b) || Math.abs(a - b) <= TOLERANCE;

function differentPart(a: Record<string, unknown>, b: Record<string, unknown>, path: string): string | undefined {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!(key in a) || !(key in b)) return `${path}.${key} stands on one side only`;
    const found = difference(a[key], b[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
