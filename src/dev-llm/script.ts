import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { Fault } from "../errors.ts";

const kinds = z.enum([
  "busy",
  "failed",
  "refused",
  "reset",
  "hang",
  "slow",
  "drip",
  "garbage",
  "wrong_json",
  "refusal",
  "length",
  "empty",
  "expired",
]);

interface LlmFault {
  readonly kind: z.output<typeof kinds>;
  readonly status?: number | undefined;
  readonly afterMs?: number | undefined;
  readonly form?: "seconds" | "date" | "ms" | undefined;
  readonly waitMs?: number | undefined;
}

const faultSchema = z.union([
  kinds.transform((kind): LlmFault => ({ kind })),
  z.strictObject({
    kind: kinds,
    /** Status instead of the usual one: busy 429, failed 500, refused 400. */
    status: z.int().min(400).max(599).optional(),
    /** busy: how long the caller should wait, in milliseconds. */
    afterMs: z.int().nonnegative().optional(),
    /** busy: how `afterMs` is written: `retry-after` in seconds or as a date, or `retry-after-ms`. */
    form: z.enum(["seconds", "date", "ms"]).optional(),
    /** slow: before the first byte; drip: between two pieces of the answer; in milliseconds. */
    waitMs: z.int().nonnegative().optional(),
  }),
]);

const pattern = z.string().transform((source, context) => {
  try {
    return new RegExp(source, "iu");
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

const ruleSchema = z.strictObject({
  /** Regular expression, looked for in the last message, its data marks read as spaces; case does not matter. */
  when: pattern.default(/(?:)/u),
  /** How often the rule holds; then the next one is asked. Without end by default. */
  times: z.int().positive().optional(),
  /** Share of the matching requests that the rule takes, 0 to 1. */
  chance: z.number().min(0).max(1).default(1),
  /** What to say; anything but a string is sent as JSON. Without it the mode of the server answers. */
  answer: z.unknown().optional(),
  fault: faultSchema.optional(),
});

export const scriptSchema = z.array(ruleSchema);

export type Rule = z.output<typeof ruleSchema>;
export type RuleInput = z.input<typeof ruleSchema>;
export type { LlmFault };

/** Reads a script, YAML or JSON; throws USAGE with the place of what is wrong. */
export async function readScript(file: string): Promise<readonly Rule[]> {
  const problem = (what: string) =>
    new Fault("USAGE", { what: `${file}: ${what}`, help: "docs/dev-llm.md shows a script" });
  let value: unknown;
  try {
    value = parse(await readFile(file, "utf8"));
  } catch (error) {
    throw problem((error as Error).message);
  }
  const { success, data, error } = scriptSchema.safeParse(value);
  if (!success) throw problem(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  return data;
}

/** Picks the first rule that takes a request; counts how often each was taken. */
export function picker(rules: readonly Rule[], random: () => number): (text: string) => Rule | undefined {
  const taken = new Map<Rule, number>();
  return (text) => {
    const rule = rules.find(
      (one) =>
        (taken.get(one) ?? 0) < (one.times ?? Number.POSITIVE_INFINITY) &&
        one.when.test(text) &&
        (one.chance === 1 || random() < one.chance),
    );
    if (rule) taken.set(rule, (taken.get(rule) ?? 0) + 1);
    return rule;
  };
}
