import { z } from "zod";
import { Fault } from "../errors.ts";

/** One recorded answer, a line of NDJSON: what `starling knowledge record` writes, and replay and training read. */
export const recordedSchema = z
  .strictObject({
    schema: z.literal("starling.knowledge/1").optional(),
    /** Of the post; without `text` it alone decides. */
    id: z.string().min(1).optional(),
    /** Of the post; spaces do not count. */
    text: z.string().optional(),
    /** The paper's Z. */
    knowledge: z.string().min(1),
    names: z
      .array(z.strictObject({ text: z.string(), type: z.string() }))
      .readonly()
      .optional(),
    /** Which stage, model and prompt wrote it. */
    source: z.string().optional(),
    usd: z.number().nonnegative().optional(),
  })
  .refine(({ id, text }) => id !== undefined || text !== undefined, "id or text is wanted, to tell whose it is");

export type Recorded = Readonly<z.output<typeof recordedSchema>>;

/** Reads recorded answers; throws DATA_MALFORMED with file, line, cause and fix, DATA_EMPTY where there are none. */
export function parseRecorded(ndjson: string, file: string): Recorded[] {
  const lines = ndjson.split("\n").map((line, index) => parseRecordedLine(line, file, index + 1));
  const all = lines.filter((one) => one !== undefined);
  if (all.length === 0) throw new Fault("DATA_EMPTY", { file, expected: "recorded knowledge" });
  return all;
}

/** Reads one line, counted from 1; undefined where it is blank. Throws DATA_MALFORMED. */
export function parseRecordedLine(written: string, file: string, number: number): Recorded | undefined {
  const line = number === 1 ? written.replace(/^\ufeff/, "") : written;
  if (line.trim() === "") return undefined;
  const malformed = (cause: string) =>
    new Fault("DATA_MALFORMED", { file, line: number, cause, fix: "docs/knowledge.md shows a recorded answer" });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw malformed(`not JSON: ${(error as Error).message}`);
  }
  const { success, data, error } = recordedSchema.safeParse(value);
  if (!success)
    throw malformed(error.issues.map(({ path, message }) => `${path.join(".") || "record"}: ${message}`).join("; "));
  return data;
}

/** The same for texts that differ in spaces and in how signs are encoded alone, so that tokenised text finds its original. */
export const textKey = (text: string): string => text.normalize("NFKC").replace(/\s+/gu, "");
