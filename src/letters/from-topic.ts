import { type LogClient, readSpans, spansOf } from "../log/index.ts";
import { type Found, parseLetter } from "./letter.ts";

/** The dead letters that a topic holds now. */
export async function* lettersOfTopic(client: LogClient, topic: string, signal: AbortSignal): AsyncGenerator<Found> {
  const spans = await spansOf(client, [topic], { from: "earliest", until: "latest" });
  for await (const { partition, records } of readSpans(client, spans, { signal }))
    for (const { offset, value } of records) {
      if (value === null) continue;
      const letter = parseLetter(Buffer.from(value).toString("utf8"));
      yield { at: `${topic}/${partition}:${offset}`, ...(letter && { letter }) };
    }
}
