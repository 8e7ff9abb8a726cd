import { expect, test } from "vitest";
import { faultyRun } from "../../bench/llm-faults.ts";

test("posts come out exactly once for each revision through an LLM that fails in every way, and goes for a while", async () => {
  const { exact, deadLetters, recovered, reasons } = await faultyRun(800);
  expect([exact, deadLetters]).toEqual([800, 8]);
  expect(recovered).toBeGreaterThan(0.5);
  for (const reason of Object.keys(reasons))
    expect(["timeout", "rate_limited", "circuit_open", "refused", "llm_error", "unreadable"]).toContain(reason);
}, 60_000);
