import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatRequest } from "../chat.ts";
import { openAnswers } from "./answers.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { guarded, never, question, scriptedChat, standard, yes } from "./guard.test-help.ts";

const DAY_MS = 86_400_000;
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-cache-"));
  file = join(folder, "made/answers.db");
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const inMemory = { cache: { ...standard.cache, memoryMb: 1 } };
const inFile = () => ({ cache: { ...standard.cache, file } });

describe("an answer", () => {
  test("is asked for once, and costs nothing after", async () => {
    const { chat, asked } = scriptedChat();
    const { guard, counted } = guarded(chat, inMemory);
    expect(await guard.ask(question, never)).toEqual(yes);
    expect(await guard.ask({ ...question, deadline: performance.now() + 1000 }, never)).toEqual({
      ...yes,
      usd: 0,
      cached: true,
    });
    expect(asked).toHaveLength(1);
    expect(counted.get("hits_memory")).toBe(1);
    expect(counted.get("usd")).toBe(yes.usd);
  });

  test("is known to a guard before the one that has it", async () => {
    const { guard: inner } = guarded(scriptedChat().chat, inMemory);
    const { guard: outer } = guarded(inner);
    expect(outer.known!(question)).toBeUndefined();
    await inner.ask(question, never);
    expect(outer.known!(question)).toEqual({ ...yes, usd: 0, cached: true });
  });

  test("outlives the process in a file", async () => {
    const first = guarded(scriptedChat().chat, inFile());
    await first.guard.ask(question, never);
    await first.guard.close();
    const { chat, asked } = scriptedChat();
    const second = guarded(chat, inFile());
    expect(await second.guard.ask(question, never)).toMatchObject({ text: "yes", usd: 0, cached: true });
    expect(asked).toHaveLength(0);
    expect(second.counted.get("hits_file")).toBe(1);
    await second.guard.close();
  });

  test.each([
    ["of sampling", { ...question, temperature: 0.1 }, yes],
    ["cut short", question, { ...yes, finish: "length" as const }],
    ["refused", question, { ...yes, finish: "refusal" as const }],
  ])("%s is not kept", async (_, request, answer) => {
    const { chat, asked } = scriptedChat(async () => answer);
    const { guard } = guarded(chat, inMemory);
    await guard.ask(request, never);
    await guard.ask(request, never);
    expect(asked).toHaveLength(2);
  });

  test("grows old, in memory and in the file", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
    await vi.advanceTimersByTimeAsync(1000); // lru-cache takes a start at 0 for none
    for (const options of [inMemory, inFile()]) {
      const { chat, asked } = scriptedChat();
      const { guard } = guarded(chat, options);
      await guard.ask(question, never);
      await vi.advanceTimersByTimeAsync(DAY_MS - 1000);
      await guard.ask(question, never);
      expect(asked).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(2000);
      await guard.ask(question, never);
      expect(asked).toHaveLength(2);
      await guard.close();
    }
  });
});

describe("the file", () => {
  test("stays within its size; what was written first goes first", () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const failed = vi.fn();
    const answers = openAnswers({ file, maxMb: 0.1, maxAgeMs: DAY_MS, failed });
    const { usd, ...kept } = { ...yes, text: "x".repeat(1000) };
    for (let i = 0; i < 300; i++) {
      answers.put(`key ${i}`, kept);
      vi.advanceTimersByTime(60); // answers are written together with those that come soon after
    }
    const found = Array.from({ length: 300 }, (_, i) => answers.get(`key ${i}`) !== undefined);
    expect(found.lastIndexOf(false) + 1, "the last are all there").toBe(found.indexOf(true));
    const bytes = found.filter(Boolean).length * 1000;
    expect(bytes).toBeLessThan(0.1 * 2 ** 20);
    expect(bytes).toBeGreaterThan(0.07 * 2 ** 20);
    answers.close();
    expect(failed).not.toHaveBeenCalled();
  });

  test("that is no cache is told at opening", async () => {
    await writeFile(join(folder, "text.db"), "some text, long enough to be no database at all ".repeat(50));
    const cache = { ...standard.cache, file: join(folder, "text.db") };
    expect(() => guarded(scriptedChat().chat, { cache })).toThrow(
      expect.objectContaining({ code: "CHAT_STORE_FAILED" }),
    );
  });

  test("that breaks later is told once, and done without", async () => {
    const { guard, warned } = guarded(scriptedChat().chat, inFile());
    const vandal = new DatabaseSync(file);
    vandal.exec("DROP TABLE answers");
    vandal.close();
    for (let i = 0; i < 2; i++) expect((await guard.ask(question, never)).text).toBe("yes");
    expect(warned).toHaveLength(1);
    await guard.close();
  });

  test("that breaks before the last answers are written is told too", async () => {
    const { guard, warned } = guarded(scriptedChat().chat, inFile());
    await guard.ask(question, never);
    const vandal = new DatabaseSync(file);
    vandal.exec("DROP TABLE answers");
    vandal.close();
    await guard.close();
    expect(warned).toHaveLength(1);
  });
});

describe("the key", () => {
  const { chat } = scriptedChat();
  const key = (change: Partial<ChatRequest> = {}, of: object = {}) =>
    fingerprintOf({ ...chat, ...of }, { ...question, ...change });
  const image = (byte: number, type: "image/png" | "image/jpeg" = "image/png") => ({
    messages: [{ role: "user" as const, text: "Who is it?", images: [{ bytes: new Uint8Array([byte]), type }] }],
  });

  test("differs with all that shapes an answer", () => {
    const keys = [
      key(),
      key({}, { model: "test/n" }),
      key({}, { settings: "low" }),
      key({ maxTokens: 101 }),
      key({ temperature: 1 }),
      key({ schema: { name: "a", schema: {} } }),
      key({ schema: { name: "a", schema: { type: "object" } } }),
      key({ messages: [{ role: "system", text: "Who is it?" }] }),
      key({
        messages: [
          { role: "user", text: "Who is" },
          { role: "user", text: " it?" },
        ],
      }),
      key(image(1)),
      key(image(2)),
      key(image(1, "image/jpeg")),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("is the same for the same bytes, and whatever the deadline", () => {
    expect(key({ deadline: 5, temperature: 0 })).toBe(key());
    expect(key(image(1))).toBe(key(image(1)));
    expect(key()).toMatch(/^[0-9a-f]{64}$/);
  });
});
