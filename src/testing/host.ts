import assert from "node:assert/strict";
import { type Definition, measures } from "../metrics/catalogue.ts";
import type { CheckHost, Host, Port } from "../plugin.ts";

/** A figure that a plugin told by `host.measure`. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * A host for tests: borrows from `lend`, and knows of it at checking; counts into `counted`, resolves against the working folder. Figures are kept in
 * `measured`; one that is not in the list, or has other labels, throws.
 */
export function testHost(
  lend: Readonly<Record<string, unknown>> = {},
): Host & Pick<CheckHost, "foretold"> & { readonly counted: Map<string, number>; readonly measured: Measured[] } {
  const counted = new Map<string, number>();
  const measured: Measured[] = [];
  return {
    counted,
    measured,
    measure: (name, value, ...[labels = {}]) => {
      assert.ok(Object.hasOwn(measures, name), `${name} is no figure that a plugin may tell`);
      const { labels: wanted = [] }: Definition = measures[name];
      assert.deepEqual(Object.keys(labels).sort(), [...wanted].sort(), `labels of ${name}`);
      assert.ok(Number.isFinite(value), `${name} is ${value}`);
      measured.push({ name, value, labels });
    },
    log: () => {},
    warn: () => {},
    count: (name, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
    borrow: <T>(port: Port<T>, name: string): T => {
      if (!(name in lend)) throw new Error(`the test lends no "${name}" to fill ${port.name}`);
      return lend[name] as T;
    },
    foretold: async (name) => lend[name] as Readonly<Record<string, unknown>> | undefined,
    resolve: (path) => path,
    purpose: "serve",
    delivery: "at-least-once",
    order: "none",
    window: 512,
    isRead: () => true,
  };
}
