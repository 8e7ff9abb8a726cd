import { linesOf } from "../letters/index.ts";
import { type LogClient, readSpans, spansOf } from "../log/index.ts";
import { isFramed } from "../message/index.ts";

/** What a file holds, a JSON value a line; plain or gzip. What is not JSON is undefined. */
export async function* recordsOfFile(path: string): AsyncGenerator<unknown> {
  for await (const line of linesOf(path)) if (line.trim() !== "") yield parsed(line);
}

/** What a topic holds now. */
export async function* recordsOfTopic(client: LogClient, topic: string, signal: AbortSignal): AsyncGenerator<unknown> {
  const spans = await spansOf(client, [topic], { from: "earliest", until: "latest" });
  for await (const { records } of readSpans(client, spans, { signal }))
    for (const { value } of records) {
      if (value === null) continue;
      // A registered JSON Schema puts five bytes in front.
      yield parsed(Buffer.from(isFramed(value) ? value.subarray(5) : value).toString("utf8"));
    }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
