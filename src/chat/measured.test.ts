import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Fault } from "../errors.ts";
import { guarded, never, question, scriptedChat, slow, yes } from "./guard.test-help.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a guard measures calls, tokens, money, retries, and where answers were", async () => {
  const busy = new Fault("CHAT_BUSY", { model: "openai/gpt/x", afterMs: null });
  const { chat } = scriptedChat(
    async (request, signal, call) => {
      if (call === 1) throw busy;
      return slow(500)(request, signal, call);
    },
    { model: "openai/gpt/x" },
  );
  const { guard, measured } = guarded(chat, { cache: { memoryMb: 1, maxAgeMs: 86_400_000, fileMb: 16 } });
  const [first, second] = [guard.ask(question, never), guard.ask(question, never)];
  await vi.runAllTimersAsync();
  await Promise.all([first, second]);
  await guard.ask(question, never);
  const of = (name: string) =>
    measured.filter((one) => one.name === name).map(({ value, labels }) => [value, ...Object.values(labels)]);
  const call = ["chat", "openai", "gpt/x"];
  expect(of("gen_ai_client_operation_duration_seconds")).toEqual([
    [0, ...call, "CHAT_BUSY"],
    [0.5, ...call, ""],
  ]);
  expect(of("gen_ai_client_token_usage")).toEqual([
    [yes.usage.inputTokens, ...call, "input"],
    [yes.usage.outputTokens, ...call, "output"],
  ]);
  expect(of("ner_llm_cost_usd_total")).toEqual([[yes.usd, "openai/gpt/x"]]);
  expect(of("ner_llm_retries_total")).toEqual([[1, "CHAT_BUSY"]]);
  expect(of("ner_llm_cache_requests_total").map(([, result]) => result)).toEqual(["miss", "joined", "memory"]);
});
