import { z } from "zod";
import { didYouMean } from "./nearest.ts";
import { type Problem, problemAt } from "./problem.ts";
import type { ConfigText, Path } from "./text.ts";

export type Validated<T> =
  | { readonly value: T; readonly problems: readonly [] }
  | { readonly problems: readonly Problem[] };

/**
 * Checks the part of a config at `path` against a schema; problems carry the place in the file.
 * A value that is one `${…}` counts as a number or a switch where the schema wants one.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  text: ConfigText,
  path: Path,
): Validated<z.output<S>> {
  const first = schema.safeParse(value);
  if (first.success) return { value: first.data, problems: [] };
  const converted = convertSubstituted(value, first.error.issues, text, path);
  const second = converted === undefined ? first : schema.safeParse(converted);
  if (second.success) return { value: second.data, problems: [] };
  return { problems: second.error.issues.flatMap((issue) => explain(issue, { schema, value, text, path })) };
}

interface Place {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly text: ConfigText;
  readonly path: Path;
}

type Issue = z.core.$ZodIssue;
const steps = (issue: Issue): Path => issue.path.map((step) => (typeof step === "number" ? step : String(step)));

/** A copy with `"512"` made 512 and `"true"` made true, where that is what the schema asked for. */
function convertSubstituted(value: unknown, issues: readonly Issue[], text: ConfigText, path: Path): unknown {
  let copy: unknown;
  for (const issue of issues) {
    if (issue.code !== "invalid_type" || !text.substituted([...path, ...steps(issue)])) continue;
    const meant = convert(at(value, steps(issue)), issue.expected);
    if (meant === undefined) continue;
    copy ??= structuredClone(value);
    const around = at(copy, steps(issue).slice(0, -1)) as Record<string | number, unknown>;
    around[steps(issue).at(-1)!] = meant;
  }
  return copy;
}

function convert(value: unknown, expected: string): number | boolean | undefined {
  if (typeof value !== "string" || value.trim() === "") return undefined;
  if (expected === "boolean") return value === "true" ? true : value === "false" ? false : undefined;
  return ["number", "int"].includes(expected) && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((v, step) => (v as Record<string | number, unknown> | null | undefined)?.[step], value);
}

function explain(issue: Issue, place: Place): Problem[] {
  const where = [...place.path, ...steps(issue)];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => {
      const help = didYouMean(key, knownKeys(place.schema, steps(issue)));
      return problemAt(place.text, [...where, key], "CONFIG_KEY_UNKNOWN", { key, help }, "key");
    });
  const found = at(place.value, steps(issue));
  if (issue.code === "invalid_type" && found === undefined && where.length > place.path.length)
    return [
      problemAt(place.text, where.slice(0, -1), "CONFIG_KEY_MISSING", {
        key: String(where.at(-1)),
        expected: `<${issue.expected}>`,
      }),
    ];
  if (issue.code === "invalid_union" && issue.errors.length > 0) return explainUnion(issue, place);
  return [problemAt(place.text, where, "CONFIG_VALUE", { path: showPath(where), why: reason(issue, found) })];
}

/** The branch that the value fits best speaks for the whole union: one of the same type, with the fewest issues. */
function explainUnion(issue: Extract<Issue, { code: "invalid_union" }>, place: Place): Problem[] {
  const misfit = (issues: readonly Issue[]) =>
    issues.length + (issues.some(({ code, path }) => code === "invalid_type" && path.length === 0) ? 1000 : 0);
  const best = issue.errors.toSorted((a, b) => misfit(a) - misfit(b))[0]!;
  return best.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] } as Issue, place));
}

function reason(issue: Issue, found: unknown): string {
  if (issue.code === "invalid_value" && typeof found === "string")
    return `"${found}" is not one of ${issue.values.join(", ")}; ${didYouMean(found, issue.values.map(String))}`;
  return issue.message.replace(/^Invalid input: /, "");
}

/** `stages[2].options.model` */
export const showPath = (path: Path): string =>
  path.reduce<string>(
    (shown, step) => (typeof step === "number" ? `${shown}[${step}]` : shown ? `${shown}.${step}` : step),
    "",
  );

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** Keys that the schema knows at `path`. JSON Schema is the one form in which every zod type shows its parts. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as JsonSchema;
  const step = (part: JsonSchema, key: string | number): JsonSchema[] =>
    branches(part).flatMap(({ properties, items, additionalProperties }) => {
      const next = typeof key === "number" ? items : (properties?.[key] ?? additionalProperties);
      return typeof next === "object" ? [next] : [];
    });
  const parts = path.reduce<JsonSchema[]>((found, key) => found.flatMap((part) => step(part, key)), [root]);
  return [...new Set(parts.flatMap(branches).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

const branches = (part: JsonSchema): JsonSchema[] =>
  [part, ...(part.anyOf ?? []), ...(part.oneOf ?? [])].flatMap((p) => (p === part ? [p] : branches(p)));
