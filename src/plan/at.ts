import type { Path } from "../config/index.ts";

/** `value` as a mapping, or an empty one where it is something else. */
export const mapping = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** What stands at `path` of plain data; undefined where there is nothing. */
export const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((v, step) => (v as Record<string | number, unknown> | null | undefined)?.[step], value);
