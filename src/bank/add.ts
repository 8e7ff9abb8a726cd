import { realpath } from "node:fs/promises";
import type { Demonstration } from "../bank.ts";
import { writeDurably } from "../durable.ts";
import { Fault, isFault } from "../errors.ts";
import { withFileLock } from "../file-lock.ts";
import { type Similar, similarPairs } from "./overlap.ts";
import { bankBytes, bankLines } from "./read.ts";

/** What became of demonstrations that were to be added. */
export interface Added {
  readonly added: readonly Demonstration[];
  /** Already in the bank, word for word. */
  readonly known: number;
  /** Left out, because the bank, or one before it, says much the same. */
  readonly similar: readonly Similar[];
}

/** How long one who adds waits for another, in milliseconds. */
const LOCK_MS = 30_000;

/**
 * Appends to the bank in `file`, which is made where it is not there. What stands in it stays as it is, to the byte; the
 * file is whole at any moment, and of several who add at once each waits for the one before. Throws DATA_MALFORMED where
 * the bank is broken, or where another demonstration has the id; OUTPUT_FAILED.
 */
export async function addToBank(
  file: string,
  demonstrations: readonly Demonstration[],
  options: { readonly evenSimilar?: boolean } = {},
): Promise<Added> {
  try {
    const real = await behindLinks(file);
    return await withFileLock(real, LOCK_MS, () => add(real, demonstrations, options));
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw new Fault("OUTPUT_FAILED", { output: file, reason: (cause as Error).message }, { cause });
  }
}

/** A link and its file are one bank: they share a lock, and the link stays one. */
const behindLinks = (file: string): Promise<string> =>
  realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return file;
    throw error;
  });

async function add(
  file: string,
  demonstrations: readonly Demonstration[],
  { evenSimilar = false }: { readonly evenSimilar?: boolean },
): Promise<Added> {
  const bytes = await bankBytes(file).catch(emptyWhereAbsent);
  const { demonstrations: present, problems } = bankLines(bytes, file);
  if (problems.length > 0) throw problems[0]!;
  const fresh = withoutKnown(present, demonstrations, file);
  const similar = evenSimilar ? [] : similarToOthers(present, fresh);
  const left = new Set(similar.map(({ second }) => second));
  const added = fresh.filter(({ id }) => !left.has(id));
  if (added.length > 0) await writeDurably(file, Buffer.concat([bytes, joint(bytes), Buffer.from(linesOf(added))]));
  return { added, known: demonstrations.length - fresh.length, similar };
}

/** Lines of a bank's file. */
export const linesOf = (demonstrations: readonly Demonstration[]): string =>
  demonstrations.map((one) => `${JSON.stringify(inOrder(one))}\n`).join("");

function emptyWhereAbsent(error: Error): Buffer {
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return Buffer.alloc(0);
  throw error;
}

function withoutKnown(present: readonly Demonstration[], others: readonly Demonstration[], file: string) {
  const byId = new Map(present.map((one) => [one.id, one]));
  return others.filter((one) => {
    const same = byId.get(one.id);
    if (same === undefined) return true;
    if (linesOf([same]) === linesOf([one])) return false;
    throw new Fault("DATA_MALFORMED", {
      ...{ file, line: present.indexOf(same) + 1, cause: `another demonstration has the id ${JSON.stringify(one.id)}` },
      fix: "give the new one its own id",
    });
  });
}

/** As banks are written: what is read first comes first. */
const inOrder = ({ id, text, caption, answer, entities }: Demonstration): Demonstration => ({
  ...{ id, text, ...(caption !== undefined && { caption }), answer },
  entities: entities.map(({ text, type }) => ({ text, type })),
});

/** Of each pair the one that came later is left out; two that stand in the bank already are its owner's business. */
function similarToOthers(present: readonly Demonstration[], fresh: readonly Demonstration[]): Similar[] {
  const isNew = new Set(fresh.map(({ id }) => id));
  return similarPairs([...present, ...fresh]).filter(({ second }) => isNew.has(second));
}

/** A last line without an end gets one. */
const joint = (bytes: Buffer) => Buffer.from(bytes.length > 0 && bytes.at(-1) !== 10 ? "\n" : "");
