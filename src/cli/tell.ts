import type { RunSummary } from "../flow/types.ts";

/** `41 posts read, 40 answered, 1 dead-lettered (draft: STAGE_TIMEOUT 1)` */
export function tell({ read, emitted, deadLettered, failed }: RunSummary): string {
  const reasons = Object.entries(failed).map(([stage, codes]) => {
    const counted = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
    return `${stage}: ${counted.join(", ")}`;
  });
  const why = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  return `${read} posts read, ${emitted} answered, ${deadLettered} dead-lettered${why}`;
}
