import { z } from "zod";

const lineShape = z.object({
  custom_id: z.string().min(1).max(64),
  method: z.literal("POST"),
  url: z.literal("/v1/chat/completions"),
  body: z.looseObject({ model: z.string() }),
});
export type Line = z.output<typeof lineShape>;

export interface BatchFile {
  readonly lines: readonly Line[];
  /** What is wrong with the file; then it has no lines. */
  readonly errors: readonly { readonly code: string; readonly message: string; readonly line: number | null }[];
}

/** Reads a file of requests, one JSON object a line, as OpenAI's Batch API takes them. */
export function readBatchFile(text: string): BatchFile {
  const lines: Line[] = [];
  const seen = new Set<string>();
  for (const [i, written] of text.split("\n").entries()) {
    if (written === "") continue;
    const line = parsed(written);
    if (line === undefined) return refused("invalid_request", "This line is no request of a batch", i + 1);
    if (seen.has(line.custom_id)) return refused("duplicate_custom_id", "The custom_id is used twice", i + 1);
    lines.push(line);
    seen.add(line.custom_id);
  }
  return lines.length === 0 ? refused("empty_file", "The file has no request", null) : { lines, errors: [] };
}

const refused = (code: string, message: string, line: number | null): BatchFile => ({
  lines: [],
  errors: [{ code, message, line }],
});

function parsed(line: string): Line | undefined {
  try {
    return lineShape.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
