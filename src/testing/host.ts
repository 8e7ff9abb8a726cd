import type { Host, Port } from "../plugin.ts";

/** A host for tests: borrows from `lend`, counts into `counted`, resolves against the working folder. */
export function testHost(
  lend: Readonly<Record<string, unknown>> = {},
): Host & { readonly counted: Map<string, number> } {
  const counted = new Map<string, number>();
  return {
    counted,
    log: () => {},
    warn: () => {},
    count: (name, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
    borrow: <T>(port: Port<T>, name: string): T => {
      if (!(name in lend)) throw new Error(`the test lends no "${name}" to fill ${port.name}`);
      return lend[name] as T;
    },
    resolve: (path) => path,
    purpose: "serve",
    delivery: "at-least-once",
    order: "none",
    window: 512,
  };
}
