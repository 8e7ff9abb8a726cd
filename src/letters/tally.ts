import { counted } from "../counted.ts";
import type { DeadLetter } from "../schema/dead-letter.ts";

/** Counts dead letters by stage and code. */
export function tallyLetters() {
  const counts = new Map<string, Map<string, number>>();
  let total = 0;
  return {
    add({ stage, code }: DeadLetter) {
      total++;
      const codes = counts.get(stage) ?? new Map<string, number>();
      counts.set(stage, codes.set(code, (codes.get(code) ?? 0) + 1));
    },
    /** `3 dead letters (source: POST_NOT_JSON 2; draft: STAGE_TIMEOUT 1)` */
    tell(): string {
      const stages = [...counts].map(([stage, codes]) => {
        const most = [...codes].sort(([, a], [, b]) => b - a);
        return `${stage}: ${most.map(([code, count]) => `${code} ${count}`).join(", ")}`;
      });
      return `${counted(total, "dead letter")}${total > 0 ? ` (${stages.join("; ")})` : ""}`;
    },
  };
}
