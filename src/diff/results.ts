import type { EntityEvent } from "../schema/event.ts";
import { eventSchema } from "../schema/event.ts";
import type { Named } from "./compare.ts";

/** What a pipeline found in the posts of a stretch, by what pairs a post with itself. */
export type Results = ReadonlyMap<string, Result>;

export interface Result {
  readonly post: string;
  /** Where the post stood: `posts/3:17`. */
  readonly origin: string;
  readonly revision: number;
  readonly entities: readonly Named[];
}

/** `origin`: the same record of a log, or line of a file; `post`: the same id. */
export type PairBy = "origin" | "post";

/** The last revision of each post; `unreadable` counts what is no event. */
export async function resultsOf(
  records: AsyncIterable<unknown>,
  by: PairBy,
): Promise<{ readonly results: Results; readonly unreadable: number }> {
  const results = new Map<string, Result>();
  let unreadable = 0;
  for await (const record of records) {
    const event = eventSchema.safeParse(record).data;
    if (event === undefined) {
      unreadable++;
      continue;
    }
    const result = toResult(event);
    const pair = by === "post" ? result.post : result.origin;
    if ((results.get(pair)?.revision ?? 0) <= result.revision) results.set(pair, result);
  }
  return { results, unreadable };
}

/** The key is lane, offset and pipeline version; the version holds no colon. */
const toResult = ({ key, postId, revision, entities }: EntityEvent): Result => ({
  post: postId,
  origin: key.slice(0, key.lastIndexOf(":")),
  revision,
  entities: entities.map(({ text, type, start, end }) => ({ text, type, start, end })),
});
