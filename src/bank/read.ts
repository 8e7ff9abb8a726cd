import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Bank, Demonstration } from "../bank.ts";
import { Fault } from "../errors.ts";
import { jsonErrorAt } from "../schema/json-error.ts";
import { firstIssue } from "../schema/sentence.ts";
import { firstBadByte } from "../schema/utf8.ts";

const said = z
  .string()
  .refine((text) => text.trim() !== "", "is blank")
  .refine((text) => text.isWellFormed(), "has half of a surrogate pair");

/** A line of a bank's file. */
export const demonstrationSchema = z.strictObject({
  id: said.describe("Unique in the bank"),
  text: said.describe("The post's text"),
  caption: said.optional().describe("What is seen on its picture; absent where it has none"),
  answer: said.describe("What a good answer says: the entities, the reasoning, and whether the picture matters"),
  entities: z.array(z.strictObject({ text: said, type: said })).readonly(),
});

/** What a bank's file holds, and what is wrong with it: DATA_MALFORMED for each broken line, DATA_UNREADABLE. */
export interface BankLines {
  readonly demonstrations: readonly Demonstration[];
  readonly problems: readonly Fault[];
}

/** Reads NDJSON, one demonstration a line; CRLF, a byte order mark and blank lines are fine. Broken lines are left out and told. */
export function bankLines(bytes: Buffer, file: string): BankLines {
  if (!isUtf8(bytes)) return { demonstrations: [], problems: [notUtf8(bytes, file)] };
  const seen = new Map<string, number>();
  const demonstrations: Demonstration[] = [];
  const problems: Fault[] = [];
  const lines = bytes
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .split("\n");
  lines.forEach((json, index) => {
    if (json.trim() === "") return;
    try {
      demonstrations.push(readLine(json, { file, line: index + 1, seen }));
    } catch (error) {
      problems.push(error as Fault);
    }
  });
  return { demonstrations, problems };
}

/** The bank of a file. Throws DATA_UNREADABLE, DATA_MALFORMED for the first broken line, BANK_EMPTY. */
export async function readBank(file: string): Promise<Bank> {
  const bytes = await bankBytes(file);
  const { demonstrations, problems } = bankLines(bytes, file);
  if (problems.length > 0) throw problems[0]!;
  if (demonstrations.length === 0) throw new Fault("BANK_EMPTY", { file });
  const byId = new Map(demonstrations.map((one) => [one.id, one]));
  const fingerprint = createHash("sha256").update(bytes).digest("hex");
  return { demonstrations, fingerprint, file, get: (id) => byId.get(id) };
}

/** Throws DATA_UNREADABLE. */
export async function bankBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new Fault("DATA_UNREADABLE", { file, cause: why }, { cause });
  }
}

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Ids met so far, with their lines. */
  readonly seen: Map<string, number>;
}

function readLine(json: string, { file, line, seen }: Place): Demonstration {
  const malformed = (cause: string, fix: string) => new Fault("DATA_MALFORMED", { file, line, cause, fix });
  const parsed = demonstrationSchema.safeParse(parse(json, malformed));
  if (!parsed.success) {
    const { path, reason } = firstIssue(parsed.error.issues, Object.keys(demonstrationSchema.shape));
    throw malformed(
      path === "" ? reason : `${path}: ${reason}`,
      "write id, text, answer and entities [{text, type}], and caption where there is a picture",
    );
  }
  const { caption, ...rest } = parsed.data;
  const before = seen.get(rest.id);
  if (before !== undefined)
    throw malformed(`the id ${JSON.stringify(rest.id)} stands in line ${before} already`, "give each its own id");
  seen.set(rest.id, line);
  return caption === undefined ? rest : { ...rest, caption };
}

function parse(json: string, malformed: (cause: string, fix: string) => Fault): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const column = (jsonErrorAt(json) ?? json.length) + 1;
    throw malformed(`not JSON, column ${column}`, "write one JSON object a line");
  }
}

function notUtf8(bytes: Buffer, file: string): Fault {
  const at = firstBadByte(bytes);
  const line = bytes.subarray(0, at).toString("latin1").split("\n").length;
  return new Fault("DATA_MALFORMED", {
    file,
    line,
    cause: `byte ${at + 1} is not UTF-8`,
    fix: "convert it with iconv",
  });
}
