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

/** A default may hold placeholders of its own, but those no further ones. */
const placeholder = /\$\$\{|\$\{((?:\$\{[^}]*\}|[^}])*)\}/g;
const variable = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;
const secretName = /key|token|secret|passw|credential|auth/i;

/** Whether `text` has anything to substitute. */
export const hasPlaceholder = (text: string): boolean => /\$\$?\{/.test(text);

/**
 * Fills in `${NAME}`, `${NAME:-default}` (also for an empty variable, as shells do) and `${file:PATH}`
 * (without the newline at its end); `$${` stands for a plain `${`. A default may hold placeholders; what comes from outside is
 * never looked at again.
 * Throws ENV_MISSING, SECRET_UNREADABLE or SUBSTITUTION.
 */
export function substitute(text: string, env: Environment, folder: string): Substituted {
  const secrets: { value: string; written: string }[] = [];
  const value = text.replace(placeholder, (written, inner: string | undefined) => {
    if (inner === undefined) return "${";
    const found = inner.startsWith("file:") ? secretFile(inner.slice(5), folder) : fromEnvironment(inner, env);
    const filled = found.fallback ? substitute(found.value, env, folder) : undefined;
    const value = filled?.value ?? found.value;
    secrets.push(...(filled?.secrets ?? []));
    if (found.secret && value !== "") secrets.push({ value, written });
    return value;
  });
  return { value, secrets };
}

interface Found {
  readonly value: string;
  readonly secret: boolean;
  /** The value is the config's own text. */
  readonly fallback?: true;
}

function fromEnvironment(inner: string, env: Environment): Found {
  const [, name, fallback] = variable.exec(inner) ?? [];
  if (name === undefined) throw new Fault("SUBSTITUTION", { written: `\${${inner}}` });
  const secret = secretName.test(name);
  const given = env[name] === "" && fallback !== undefined ? undefined : env[name];
  if (given !== undefined) return { value: given, secret };
  if (fallback === undefined) throw new Fault("ENV_MISSING", { name });
  return { value: fallback, secret, fallback: true };
}

function secretFile(path: string, folder: string): Found {
  try {
    return { value: readFileSync(resolve(folder, path), "utf8").replace(/\r?\n$/, ""), secret: true };
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "it cannot be read";
    throw new Fault("SECRET_UNREADABLE", { path, why }, { cause });
  }
}
