import { expect, test } from "vitest";
import { faultyRun } from "../../bench/llm-faults.ts";

test("posts come out exactly once for each revision through an LLM that fails in every way, and goes for a while", async () => {
  const { exact, deadLetters, recovered, reasons, openedAfterMs, slowestMs } = await faultyRun(800);
  expect([exact, deadLetters]).toEqual([800, 8]);
  expect(recovered).toBeGreaterThan(0.5);
  expect(openedAfterMs, "from the lost server to the open circuit").toBeLessThan(5000);
  // Their deadline is 3 s; without it the stage's own limit would end them after 6 s. The exact bound is that of `npm run bench -- llm-faults`.
  expect(slowestMs, "no post waits much longer than its deadline").toBeLessThan(5000);
  for (const reason of Object.keys(reasons))
    expect(["timeout", "rate_limited", "circuit_open", "refused", "llm_error", "unreadable"]).toContain(reason);
}, 60_000);
