import type { RunSummary } from "../flow/types.ts";

/** `41 posts read, 40 answered, 1 dead-lettered to /srv/out/letters.ndjson (draft: STAGE_TIMEOUT 1)`; `place` is where they went. */
export function tell({ read, emitted, deadLettered, failed }: RunSummary, place: string): string {
  const reasons = Object.entries(failed).map(([stage, codes]) => {
    const counted = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
    return `${stage}: ${counted.join(", ")}`;
  });
  const why = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  const where = deadLettered > 0 ? ` to ${place}` : "";
  return `${read} ${read === 1 ? "post" : "posts"} read, ${emitted} answered, ${deadLettered} dead-lettered${where}${why}`;
}
