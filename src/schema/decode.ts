import { Fault } from "../errors.ts";
import { fail, type Outcome, ok } from "../outcome.ts";
import { jsonErrorAt } from "./json-error.ts";
import { isPlainPost } from "./plain-post.ts";
import { type Post, postKeys, postSchema } from "./post.ts";
import { firstIssue } from "./sentence.ts";

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

function invalid(issues: Parameters<typeof firstIssue>[0], place: Place): Fault {
  const { path, reason } = firstIssue(issues, postKeys);
  return new Fault("POST_INVALID", { where: place.where(), path: path || "post", reason });
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toWellFormed(), wellFormed(inner)]));
}
