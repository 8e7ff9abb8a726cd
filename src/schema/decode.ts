import type { z } from "zod";
import { didYouMean } from "../config/nearest.ts";
import { Fault } from "../errors.ts";
import { fail, type Outcome, ok } from "../outcome.ts";
import { jsonErrorAt } from "./json-error.ts";
import { isPlainPost } from "./plain-post.ts";
import { type Post, postKeys, postSchema } from "./post.ts";

/** Something that can be named in an error message, such as a line of a file; asked only when there is an error. */
export interface Place {
  where(): string;
}

/**
 * Reads the JSON of one post. Fails with POST_NOT_JSON or POST_INVALID, each naming the place.
 * Lone surrogates become U+FFFD, of the same length: what leaves the pipeline is always well-formed, and offsets stay true.
 */
export function decodePost(json: string, place: Place): Outcome<Post> {
  const parsed = parseJson(json, place);
  return parsed.kind === "ok" ? toPost(parsed.value, place) : parsed;
}

/** Plain data, with lone surrogates replaced. Fails with POST_NOT_JSON. */
export function parseJson(json: string, place: Place): Outcome<unknown> {
  try {
    const value: unknown = JSON.parse(json);
    // Only an escape can bring a lone surrogate: bytes that are UTF-8 hold none.
    return ok(json.includes("\\u") ? wellFormed(value) : value);
  } catch (error) {
    return fail(notJson(json, place, error as SyntaxError));
  }
}

/** Plain data as a post. Fails with POST_INVALID. */
export function toPost(value: unknown, place: Place): Outcome<Post> {
  if (isPlainPost(value)) return ok(value);
  const parsed = postSchema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return fail(invalid(parsed.error.issues, place));
}

function notJson(json: string, place: Place, cause: SyntaxError): Fault {
  const column = (jsonErrorAt(json) ?? json.length) + 1;
  const reason = cause.message.replace(/ in JSON at position .*|, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON/s, "");
  return new Fault("POST_NOT_JSON", { where: place.where(), column, reason }, { cause });
}

type Issue = z.core.$ZodIssue;

/** A union says only that no branch fits; the branch that came nearest says why. */
function innermost(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const nearest = issue.errors.toSorted((a, b) => a.length - b.length)[0]![0]!;
  return innermost({ ...nearest, path: [...issue.path, ...nearest.path] });
}

/** The library's sentences speak of input; people look for what is missing, or for the key they misspelt. */
function sentence(issue: Issue): string {
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => `"${key}"`).join(", ");
    return `nothing reads ${keys}${issue.path.length === 0 ? `; ${didYouMean(issue.keys[0]!, postKeys)}` : ""}`;
  }
  const message = issue.message.replace(/^Invalid input: /, "");
  return issue.code === "invalid_type"
    ? message.replace(/^expected (.*), received undefined$/, "is missing ($1)")
    : message;
}

function invalid(issues: readonly Issue[], place: Place): Fault {
  const first = innermost(issues[0]!);
  const reason = issues.length === 1 ? sentence(first) : `${sentence(first)} (and ${issues.length - 1} more)`;
  return new Fault("POST_INVALID", { where: place.where(), path: first.path.map(String).join(".") || "post", reason });
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toWellFormed(), wellFormed(inner)]));
}
