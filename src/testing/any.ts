import assert from "node:assert/strict";
import type { z } from "zod";
import { API, type CheckHost, type Host, type Refusal } from "../plugin.ts";

export type AnyClause =
  | "declares itself"
  | "refuses an option it does not know"
  | "checks what it opens, and finds nothing wrong"
  | "may be closed twice"
  | "opens twice, side by side";

/** What every kind of plugin has, and what this module needs of it. */
export interface Openable<O extends z.ZodType, T> {
  readonly api: number;
  readonly kind: string;
  readonly name: string;
  readonly about: string;
  readonly options: O;
  check?(options: z.output<O>, host: CheckHost): Promise<readonly Refusal[]>;
  open(options: z.output<O>, host: Host): Promise<T & { close?(): Promise<void> }>;
}

/** `options` afresh for each clause, so that a clause may have a file of its own. */
export type Fresh<I> = I | (() => Promise<I>);

export const fresh = async <I>(options: Fresh<I>): Promise<I> =>
  typeof options === "function" ? await (options as () => Promise<I>)() : options;

/** Opens, runs `use`, and closes whatever happened. */
export async function whileOpen<O extends z.ZodType, T>(
  plugin: Openable<O, T>,
  options: z.input<O>,
  host: Host,
  use: (opened: T) => Promise<void>,
): Promise<void> {
  const opened = await plugin.open(plugin.options.parse(options) as z.output<O>, host);
  try {
    await use(opened);
  } finally {
    await opened.close?.();
  }
}

/** The clauses that plugins of all kinds keep. */
export function anyClauses<O extends z.ZodType, T>(
  plugin: Openable<O, T>,
  options: Fresh<z.input<O>>,
  host: Host,
): Record<AnyClause, () => Promise<void>> {
  const open = async () => plugin.open(plugin.options.parse(await fresh(options)) as z.output<O>, host);
  return {
    "declares itself": async () => {
      assert.equal(plugin.api, API, "api");
      assert.match(plugin.name, /^[a-z0-9@][a-z0-9@/._-]*$/, "a name is lower case, with dashes");
      assert.match(plugin.about, /^\S[^\n]*$/, "about is one line");
    },
    "refuses an option it does not know": async () => {
      const parsed = plugin.options.safeParse({ ...((await fresh(options)) as object), noSuchOption: 1 });
      assert.equal(parsed.success, false, "make options a z.strictObject: a typing error must not pass silently");
    },
    "checks what it opens, and finds nothing wrong": async () => {
      const given = plugin.options.parse(await fresh(options)) as z.output<O>;
      const found =
        (await plugin.check?.(given, { ...host, foretold: async () => undefined, reads() {}, writes() {} })) ?? [];
      assert.deepEqual(
        found.map(({ error }) => error.message),
        [],
      );
    },
    "may be closed twice": async () => {
      const opened = await open();
      await opened.close?.();
      await opened.close?.();
    },
    "opens twice, side by side": async () => {
      const first = await open();
      const second = await open();
      assert.notEqual(first, second, "open() makes a new one each time");
      await first.close?.();
      await second.close?.();
    },
  };
}
