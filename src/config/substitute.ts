import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "../errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A scalar after substitution. */
export interface Substituted {
  readonly value: string;
  /** What was filled in and must not be shown, such as keys; each with the `${…}` that stands for it. */
  readonly secrets: readonly { readonly value: string; readonly written: string }[];
}

const placeholder = /\$\$\{|\$\{([^}]*)\}/g;
const variable = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
const secretName = /key|token|secret|passw|credential|auth/i;

/** Whether `text` has anything to substitute. */
export const hasPlaceholder = (text: string): boolean => /\$\$?\{/.test(text);

/**
 * Fills in `${NAME}`, `${NAME:-default}` (also for an empty variable, as shells do) and `${file:PATH}`
 * (without the newline at its end); `$${` stands for a plain `${`. What is filled in is never looked at again.
 * Throws ENV_MISSING, SECRET_UNREADABLE or SUBSTITUTION.
 */
export function substitute(text: string, env: Environment, folder: string): Substituted {
  const secrets: { value: string; written: string }[] = [];
  const value = text.replace(placeholder, (written, inner: string | undefined) => {
    if (inner === undefined) return "${";
    const found = inner.startsWith("file:") ? secretFile(inner.slice(5), folder) : fromEnvironment(inner, env);
    if (found.secret && found.value !== "") secrets.push({ value: found.value, written });
    return found.value;
  });
  return { value, secrets };
}

function fromEnvironment(inner: string, env: Environment) {
  const [, name, fallback] = variable.exec(inner) ?? [];
  if (name === undefined) throw new Fault("SUBSTITUTION", { written: `\${${inner}}` });
  const value = env[name] === "" && fallback !== undefined ? fallback : (env[name] ?? fallback);
  if (value === undefined) throw new Fault("ENV_MISSING", { name });
  return { value, secret: secretName.test(name) };
}

function secretFile(path: string, folder: string) {
  try {
    return { value: readFileSync(resolve(folder, path), "utf8").replace(/\r?\n$/, ""), secret: true };
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "it cannot be read";
    throw new Fault("SECRET_UNREADABLE", { path, why }, { cause });
  }
}
