import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Fault } from "../errors.ts";
import { openBudget } from "./budget.ts";
import { worstUsd } from "./cost.ts";
import { ended, guarded, never, question, scriptedChat, yes } from "./guard.test-help.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-budget-"));
  file = join(folder, "made/budget.db");
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

const model = "test/m";
const price = { inputUsd: 1, outputUsd: 4, imageTokens: 1000 };
const worst = worstUsd(question, price);

describe("the file", () => {
  test("money that is put aside is gone until it is settled, for everyone who shares the file", () => {
    const [a, b] = [openBudget({ usdPerDay: 1, file }), openBudget({ usdPerDay: 1, file })];
    const reservation = a.reserve(0.6);
    expect(b.reserve(0.6)).toBeUndefined();
    expect(b.leftUsd()).toBeCloseTo(0.4, 9);
    reservation!.settle(0.1);
    expect(b.reserve(0.6)).toBeDefined();
    expect(a.leftUsd()).toBeCloseTo(0.3, 9);
    a.close();
    b.close();
  });

  test("the very last cent may be spent, and no more", () => {
    const budget = openBudget({ usdPerDay: 0.3, file });
    for (let i = 0; i < 3; i++) expect(budget.reserve(0.1)).toBeDefined();
    expect(budget.reserve(1e-9)).toBeUndefined();
    expect(budget.leftUsd()).toBe(0);
    budget.close();
    expect(openBudget({ usdPerDay: 0.01, file: ":memory:" }).reserve(0.02)).toBeUndefined();
  });

  test("what was spent outlives a restart, and so does what was never settled", () => {
    const before = openBudget({ usdPerDay: 1, file });
    before.reserve(0.5)!.settle(0.2);
    before.reserve(0.5);
    before.close();
    const after = openBudget({ usdPerDay: 1, file });
    expect(after.leftUsd()).toBeCloseTo(0.3, 9);
    after.close();
  });

  test("a day of UTC begins anew; what was put aside before midnight is settled there", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-03-01T23:59:59Z") });
    const budget = openBudget({ usdPerDay: 1, file });
    const reservation = budget.reserve(1);
    expect(budget.reserve(0.1)).toBeUndefined();
    vi.setSystemTime(Date.parse("2026-03-02T00:00:01Z"));
    expect(budget.leftUsd()).toBe(1);
    reservation!.settle(0.5);
    expect(budget.leftUsd()).toBe(1);
    vi.setSystemTime(Date.parse("2026-03-01T23:59:59Z"));
    expect(budget.leftUsd()).toBeCloseTo(0.5, 9);
    budget.close();
  });

  test("money under a name outlives the process, is held once, and is set right once, on its day", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-03-01T23:59:59Z") });
    const before = openBudget({ usdPerDay: 1, file });
    expect([before.hold("a", 0.7), before.hold("b", 0.4), before.hold("a", 0.7)]).toEqual([true, false, true]);
    before.close();
    vi.setSystemTime(Date.parse("2026-03-02T00:00:01Z"));
    const after = openBudget({ usdPerDay: 1, file });
    expect(after.leftUsd()).toBe(1);
    after.release("a", 0.1);
    after.release("a", 0.9);
    after.release("nobody", 0.9);
    vi.setSystemTime(Date.parse("2026-03-01T23:59:59Z"));
    expect(after.leftUsd()).toBeCloseTo(0.9, 9);
    expect(after.hold("big", 1.5)).toBe(false);
    after.close();
  });

  test("a file of an older version takes money under names too", () => {
    openBudget({ usdPerDay: 1, file }).close();
    const old = new DatabaseSync(file);
    old.exec("DROP TABLE held");
    old.close();
    const budget = openBudget({ usdPerDay: 1, file });
    expect(budget.hold("a", 0.5)).toBe(true);
    budget.close();
  });

  test("a file that is no budget is told, with its path", async () => {
    await writeFile(join(folder, "budget.db"), "some text, long enough to be no database at all ".repeat(50));
    expect(() => openBudget({ usdPerDay: 1, file: join(folder, "budget.db") })).toThrow(/budget\.db.*not a database/);
  });
});

describe("the guard", () => {
  const budgetOf = (usdPerDay: number) => ({ budget: { usdPerDay, file } });
  /** What is left after one call that fails. */
  const leftAfter = async (error: unknown) => {
    const { guard } = guarded(scriptedChat(() => Promise.reject(error), { price }).chat, {
      ...budgetOf(1),
      attempts: 1,
    });
    await ended(guard.ask(question, never));
    const left = guard.figures().budgetLeftUsd!;
    await guard.close();
    await rm(join(folder, "made"), { recursive: true });
    return left;
  };

  test("refuses to start where the price is not known", () => {
    expect(() => guarded(scriptedChat().chat, budgetOf(1))).toThrow(
      expect.objectContaining({
        code: "CHAT_PRICE_UNKNOWN",
        message: expect.stringContaining("price: { inputUsd, outputUsd }"),
      }),
    );
  });

  test("puts the worst cost aside before it sends, and books the true one after", async () => {
    let during: number | undefined;
    const { chat } = scriptedChat(
      async () => {
        during = guard.figures().budgetLeftUsd;
        return yes;
      },
      { price },
    );
    const { guard } = guarded(chat, budgetOf(1));
    await guard.ask(question, never);
    expect(during).toBeCloseTo(1 - worst, 8);
    expect(guard.figures().budgetLeftUsd).toBeCloseTo(1 - yes.usd, 8);
    await guard.close();
  });

  test("sends nothing that might cost more than is left", async () => {
    const { chat, asked } = scriptedChat(undefined, { price });
    const { guard, counted } = guarded(chat, budgetOf(worst * 0.99));
    expect((await ended(guard.ask(question, never))).how).toBe("CHAT_OVER_BUDGET");
    expect(asked).toHaveLength(0);
    expect(counted.get("failed_over_budget")).toBe(1);
    await guard.close();
  });

  test("warns once a minute that the budget is spent", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { guard, warnings } = guarded(scriptedChat(undefined, { price }).chat, budgetOf(worst / 2));
    const ask = async () => expect((await ended(guard.ask(question, never))).how).toBe("CHAT_OVER_BUDGET");
    await ask();
    vi.setSystemTime(Date.now() + 59_000);
    await ask();
    const spent = [
      expect.stringContaining("budget is spent"),
      { model, usd: worst, leftUsd: guard.figures().budgetLeftUsd },
    ];
    expect(warnings).toEqual([spent]);
    vi.setSystemTime(Date.now() + 1000);
    await ask();
    expect(warnings).toEqual([spent, spent]);
    await guard.close();
  });

  test("tells once of a call that cost more than it might, and books it", async () => {
    const { chat } = scriptedChat(async () => ({ ...yes, usd: 0.25 }), { price });
    const { guard, warned } = guarded(chat, budgetOf(1));
    for (const temperature of [1, 2]) await guard.ask({ ...question, temperature }, never);
    expect(guard.figures().budgetLeftUsd).toBeCloseTo(0.5, 8);
    expect(warned).toHaveLength(1);
    await guard.close();
  });

  test("lets nobody wait for a turn that could not be paid", async () => {
    const { guard } = guarded(scriptedChat(undefined, { price }).chat, {
      ...budgetOf(worst / 2),
      requestsPerMinute: 1,
    });
    for (let i = 0; i < 3; i++) expect((await ended(guard.ask(question, never))).how).toBe("CHAT_OVER_BUDGET");
    await guard.close();
  });

  test("gives back what surely cost nothing", async () => {
    expect(await leftAfter(new Fault("CHAT_BUSY", { model, afterMs: null }))).toBe(1);
    expect(await leftAfter(new Fault("CHAT_REFUSED", { model, status: 400, reason: "" }))).toBe(1);
    expect(await leftAfter(new Fault("CHAT_FAILED", { model, status: 500, reason: "" }))).toBe(1);
    expect(await leftAfter(new Fault("CHAT_UNREACHABLE", { model, reason: "", sent: false }))).toBe(1);
  });

  test("counts what may have been answered and was lost as spent in full", async () => {
    expect(await leftAfter(new Fault("CHAT_FAILED", { model, status: 504, reason: "" }))).toBeCloseTo(1 - worst, 8);
    expect(await leftAfter(new Fault("CHAT_UNREACHABLE", { model, reason: "" }))).toBeCloseTo(1 - worst, 8);
    expect(await leftAfter(new Fault("CHAT_GARBLED", { model, reason: "" }))).toBeCloseTo(1 - worst, 8);
    expect(await leftAfter(new Error("a bug"))).toBeCloseTo(1 - worst, 8);
  });

  test("answers that came, although nothing can be written down any more", async () => {
    let close = async () => {};
    const { chat } = scriptedChat(
      async () => {
        await close();
        return yes;
      },
      { price },
    );
    const { guard, warned } = guarded(chat, budgetOf(1));
    close = guard.close;
    expect((await guard.ask(question, never)).text).toBe("yes");
    expect(warned).toHaveLength(1);
  });
});

test("the worst cost counts every byte of the texts, the images and the whole answer", () => {
  const text = "Zoë 👋 ".repeat(100);
  const images = [{ bytes: new Uint8Array(1), type: "image/png" as const }];
  const bare = worstUsd({ messages: [{ role: "user", text: "" }], maxTokens: 1 }, price);
  const full = worstUsd({ messages: [{ role: "user", text, images }], maxTokens: 501 }, price);
  expect(full - bare).toBeCloseTo((Buffer.byteLength(text) + 1000 + 500 * 4) / 1e6, 9);
});
