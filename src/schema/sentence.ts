import type { z } from "zod";
import { didYouMean } from "../config/nearest.ts";

type Issue = z.core.$ZodIssue;

/** What is wrong first, as people look for it, and how much more; `keys` are those of the whole. */
export function firstIssue(issues: readonly Issue[], keys: readonly string[]): { path: string; reason: string } {
  const first = innermost(issues[0]!);
  const more = issues.length === 1 ? "" : ` (and ${issues.length - 1} more)`;
  return { path: first.path.map(String).join("."), reason: `${sentence(first, keys)}${more}` };
}

/** A union says only that no branch fits; the branch that came nearest says why. */
function innermost(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const nearest = issue.errors.toSorted((a, b) => a.length - b.length)[0]![0]!;
  return innermost({ ...nearest, path: [...issue.path, ...nearest.path] });
}

/** The library's sentences speak of input; people look for what is missing, or for the key they misspelt. */
function sentence(issue: Issue, known: readonly string[]): string {
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => `"${key}"`).join(", ");
    return `nothing reads ${keys}${issue.path.length === 0 ? `; ${didYouMean(issue.keys[0]!, known)}` : ""}`;
  }
  const message = issue.message.replace(/^Invalid input: /, "");
  return issue.code === "invalid_type"
    ? message.replace(/^expected (.*), received undefined$/, "is missing ($1)")
    : message;
}
