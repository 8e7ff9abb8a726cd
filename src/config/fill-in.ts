import { type Document, type Scalar, visit } from "yaml";
import { isFault } from "../errors.ts";
import type { Problem } from "./problem.ts";
import { type Environment, hasPlaceholder, substitute } from "./substitute.ts";

/** What substitution did to a document. */
export interface Filled {
  /** Scalars that were one placeholder and nothing else. */
  readonly lone: ReadonlySet<Scalar>;
  readonly secrets: readonly { readonly value: string; readonly written: string }[];
  /** Scalars that hold a secret, and what was written there. */
  readonly hidden: ReadonlyMap<Scalar, string>;
  readonly failed: readonly { readonly fault: Pick<Problem, "code" | "message">; readonly offset: number }[];
}

export const nothingFilled: Filled = { lone: new Set(), secrets: [], hidden: new Map(), failed: [] };

/** Substitutes in every scalar value of the document; never in keys, and never before parsing. */
export function fillIn(document: Document, env: Environment, folder: string): Filled {
  const lone = new Set<Scalar>();
  const hidden = new Map<Scalar, string>();
  const secrets: { value: string; written: string }[] = [];
  const failed: { fault: Pick<Problem, "code" | "message">; offset: number }[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === "key" || typeof node.value !== "string" || !hasPlaceholder(node.value)) return;
      const written = node.value;
      try {
        const found = substitute(written, env, folder);
        node.value = found.value;
        if (/^\$\{[^}]*\}$/.test(written)) lone.add(node);
        if (found.secrets.length > 0) hidden.set(node, written);
        secrets.push(...found.secrets);
      } catch (error) {
        if (!isFault(error)) throw error;
        failed.push({ fault: { code: error.code, message: error.message }, offset: node.range?.[0] ?? 0 });
      }
    },
  });
  // The longest first: a secret may be part of another.
  return { lone, hidden, secrets: secrets.sort((a, b) => b.value.length - a.value.length), failed };
}

/** The document's data with secrets as they were written. */
export function withoutSecrets(document: Document, { hidden }: Filled): unknown {
  const values = new Map([...hidden].map(([node]) => [node, node.value]));
  for (const [node, written] of hidden) node.value = written;
  const shown: unknown = document.toJS();
  for (const [node, value] of values) node.value = value;
  return shown;
}
