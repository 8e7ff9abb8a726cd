import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Fault } from "../errors.ts";
import { ended, guarded, never, question, scriptedChat, silent, slow, yes } from "./guard.test-help.ts";

const model = "test/m";
const busy = (afterMs: number | null) => new Fault("CHAT_BUSY", { model, afterMs });
const down = () => new Fault("CHAT_UNREACHABLE", { model, reason: "ECONNREFUSED", sent: false });
const refused = (status: number) => new Fault("CHAT_REFUSED", { model, status, reason: "no" });
const within = (ms: number) => ({ ...question, deadline: performance.now() + ms });
/** Requests that do not join each other. */
const distinct = (i: number, ms = 30_000) => ({
  ...within(ms),
  messages: [{ role: "user" as const, text: `Who is number ${i}?` }],
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});
afterEach(() => expect(vi.getTimerCount(), "timers left").toBe(0));

describe("retries", () => {
  test.each([
    ["busy", busy(null)],
    ["unreachable", down()],
    ["failed", new Fault("CHAT_FAILED", { model, status: 500, reason: "" })],
    ["garbled", new Fault("CHAT_GARBLED", { model, reason: "" })],
  ])("a call that is %s is tried again", async (_, fault) => {
    const { chat, asked } = scriptedChat((_request, _signal, call) =>
      call < 3 ? Promise.reject(fault) : Promise.resolve(yes),
    );
    const { guard, counted } = guarded(chat);
    const call = ended(guard.ask(within(10_000), never));
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await call).how).toBe("yes");
    expect(asked).toHaveLength(3);
    expect(counted.get("retries")).toBe(2);
  });

  test("the waits double, each somewhere between half and whole", async () => {
    const { chat, asked } = scriptedChat(() => Promise.reject(down()));
    const { guard } = guarded(chat, { attempts: 5, backoffMs: 100, maxBackoffMs: 300 });
    const call = ended(guard.ask(within(10_000), never));
    await vi.advanceTimersByTimeAsync(5000);
    expect((await call).how).toBe("CHAT_UNREACHABLE");
    const waits = asked.slice(1).map(({ at }, i) => at - asked[i]!.at);
    expect(waits).toHaveLength(4);
    for (const [i, whole] of [100, 200, 300, 300].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(whole / 2 - 1);
      expect(waits[i]).toBeLessThanOrEqual(whole + 1);
    }
  });

  test("Retry-After is waited for in full, beyond a minute too", async () => {
    const { chat, asked } = scriptedChat((_request, _signal, call) =>
      call === 1 ? Promise.reject(busy(90_000)) : Promise.resolve(yes),
    );
    const { guard } = guarded(chat, { timeoutMs: 120_000 });
    const call = ended(guard.ask(question, never));
    await vi.advanceTimersByTimeAsync(100_000);
    expect((await call).how).toBe("yes");
    expect(asked[1]!.at - asked[0]!.at).toBeGreaterThanOrEqual(90_000);
  });

  test("a Retry-After beyond the deadline is given up at once, also by those who come after", async () => {
    const { chat, asked } = scriptedChat(() => Promise.reject(busy(86_400_000)));
    const { guard } = guarded(chat);
    expect(await ended(guard.ask(distinct(1, 5000), never))).toEqual({ how: "CHAT_BUSY", afterMs: 0 });
    expect(await ended(guard.ask(distinct(2, 5000), never))).toEqual({ how: "CHAT_BUSY", afterMs: 0 });
    expect(asked, "the server is left in peace").toHaveLength(1);
  });

  test("what cannot succeed is not tried again", async () => {
    for (const error of [refused(400), new TypeError("a bug")]) {
      const { chat, asked } = scriptedChat(() => Promise.reject(error));
      await expect(guarded(chat).guard.ask(question, never)).rejects.toBe(error);
      expect(asked).toHaveLength(1);
    }
  });

  test("a call that hangs is cut off and tried again, while there is time", async () => {
    const { chat, asked } = scriptedChat((request, signal, call) =>
      call === 1 ? silent(request, signal, call) : Promise.resolve(yes),
    );
    const { guard } = guarded(chat, { attemptMs: 2000 });
    const call = ended(guard.ask(within(5000), never));
    await vi.advanceTimersByTimeAsync(5000);
    expect((await call).how).toBe("yes");
    expect(asked).toHaveLength(2);
  });
});

describe("deadlines", () => {
  test("nobody waits longer than the deadline, or than timeoutMs", async () => {
    const { chat } = scriptedChat(silent);
    const { guard } = guarded(chat, { timeoutMs: 3000 });
    const calls = [ended(guard.ask(distinct(1, 1000), never)), ended(guard.ask(distinct(2, 60_000), never))];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await Promise.all(calls)).toEqual([
      { how: "CHAT_TIMEOUT", afterMs: 1000 },
      { how: "CHAT_TIMEOUT", afterMs: 3000 },
    ]);
  });

  test("a deadline that has passed sends nothing", async () => {
    const { chat, asked } = scriptedChat();
    expect((await ended(guarded(chat).guard.ask(within(-1), never))).how).toBe("CHAT_TIMEOUT");
    expect(asked).toHaveLength(0);
  });

  test("an aborted signal ends the call under way, a wait for a turn, and one for a retry", async () => {
    const hanging = scriptedChat(silent);
    const full = guarded(hanging.chat, { concurrency: 1, attemptMs: 60_000 });
    const failing = guarded(scriptedChat(() => Promise.reject(down())).chat, { backoffMs: 5000 });
    const controller = new AbortController();
    const calls = [
      full.guard.ask(distinct(1), controller.signal),
      full.guard.ask(distinct(2), controller.signal),
      failing.guard.ask(distinct(3), controller.signal),
    ].map((call) => ended(call));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort(new DOMException("enough", "AbortError"));
    expect((await Promise.all(calls)).map(({ how }) => how)).toEqual(["AbortError", "AbortError", "AbortError"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(full.guard.figures().underWay).toBe(0);
    expect(hanging.asked, "the second was never sent").toHaveLength(1);
  });
});

describe("limits", () => {
  test("requests per minute: evenly, and no more than one second's worth above", async () => {
    const { chat, asked } = scriptedChat();
    const { guard, counted } = guarded(chat, { requestsPerMinute: 120, timeoutMs: 300_000 });
    const calls = Array.from({ length: 300 }, (_, i) => ended(guard.ask(distinct(i, 300_000), never)));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBeGreaterThanOrEqual(119);
    expect(asked.length).toBeLessThanOrEqual(122);
    await vi.advanceTimersByTimeAsync(100_000);
    expect((await Promise.all(calls)).every(({ how }) => how === "yes")).toBe(true);
    expect(counted.get("waits")).toBe(298);
  });

  test("who would wait past the deadline is told at once, and takes no turn", async () => {
    const { chat, asked } = scriptedChat();
    const { guard } = guarded(chat, { requestsPerMinute: 60 });
    const calls = Array.from({ length: 10 }, (_, i) => ended(guard.ask(distinct(i, 2500), never)));
    await vi.advanceTimersByTimeAsync(0);
    const told = await Promise.all(calls.slice(3));
    expect(told).toEqual(told.map(() => ({ how: "CHAT_BUSY", afterMs: 0 })));
    await vi.advanceTimersByTimeAsync(2500);
    expect((await Promise.all(calls.slice(0, 3))).map(({ how }) => how)).toEqual(["yes", "yes", "yes"]);
    expect(asked).toHaveLength(3);
  });

  test("tokens per minute follow what answers really took", async () => {
    const usage = { inputTokens: 100, outputTokens: 900 };
    const { chat, asked } = scriptedChat(async () => ({ ...yes, usage }));
    const { guard } = guarded(chat, { tokensPerMinute: 60_000, timeoutMs: 600_000 });
    const calls = Array.from({ length: 100 }, (_, i) => ended(guard.ask(distinct(i, 600_000), never)));
    await vi.advanceTimersByTimeAsync(15_000);
    await Promise.all(calls); // some 105 tokens were foreseen for each, and a thousand taken: 100 seconds' worth
    const later = ended(guard.ask(distinct(100, 600_000), never));
    await vi.advanceTimersByTimeAsync(80_000);
    expect(asked).toHaveLength(100);
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await later).how).toBe("yes");
  });

  test("no more calls under way than concurrency", async () => {
    let underWay = 0;
    let most = 0;
    const { chat } = scriptedChat(async (request, signal, call) => {
      most = Math.max(most, ++underWay);
      const answer = await slow(100)(request, signal, call);
      underWay--;
      return answer;
    });
    const { guard } = guarded(chat, { concurrency: 4 });
    const calls = Array.from({ length: 20 }, (_, i) => ended(guard.ask(distinct(i), never)));
    await vi.advanceTimersByTimeAsync(500);
    expect((await Promise.all(calls)).every(({ how }) => how === "yes")).toBe(true);
    expect(most).toBe(4);
  });
});

describe("equal requests", () => {
  test("are sent once, and paid by the first", async () => {
    const { chat, asked } = scriptedChat(slow(100));
    const { guard, counted } = guarded(chat);
    const calls = [1, 2, 3].map(() => guard.ask(question, never));
    await vi.advanceTimersByTimeAsync(100);
    const answers = await Promise.all(calls);
    expect(asked).toHaveLength(1);
    expect(answers.map(({ usd }) => usd)).toEqual([0.001, 0, 0]);
    expect(answers.map(({ cached = false }) => cached)).toEqual([false, true, true]);
    expect(counted.get("joined")).toBe(2);
  });

  test("one who leaves does not take the answer from the others; the last ends the call", async () => {
    let aborted = false;
    const { chat } = scriptedChat((request, signal, call) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return slow(1000)(request, signal, call);
    });
    const { guard } = guarded(chat);
    const impatient = ended(guard.ask(within(100), never));
    const patient = ended(guard.ask(within(5000), never));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await impatient).toEqual({ how: "CHAT_TIMEOUT", afterMs: 100 });
    expect(await patient).toEqual({ how: "yes", afterMs: 1000 });
    expect(aborted).toBe(false);
    const alone = ended(guard.ask(within(100), never));
    await vi.advanceTimersByTimeAsync(100);
    expect((await alone).how).toBe("CHAT_TIMEOUT");
    expect(aborted).toBe(true);
  });

  test("with sampling on are no equal requests", async () => {
    const { chat, asked } = scriptedChat(slow(100));
    const { guard } = guarded(chat);
    const calls = [1, 2].map(() => guard.ask({ ...question, temperature: 0.7 }, never));
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(calls);
    expect(asked).toHaveLength(2);
  });
});

describe("the circuit", () => {
  const tries = async (guard: { ask: ReturnType<typeof guarded>["guard"]["ask"] }, count: number, from = 0) => {
    const hows: string[] = [];
    for (let i = 0; i < count; i++) hows.push((await ended(guard.ask(distinct(from + i), never))).how);
    return hows;
  };

  test("opens after so many failures in a row, and refuses at once", async () => {
    const { chat, asked } = scriptedChat(() => Promise.reject(down()));
    const { guard, counted } = guarded(chat, { attempts: 1, circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
    expect(await tries(guard, 5)).toEqual([
      ...Array(3).fill("CHAT_UNREACHABLE"),
      "CHAT_CIRCUIT_OPEN",
      "CHAT_CIRCUIT_OPEN",
    ]);
    expect(asked).toHaveLength(3);
    expect(guard.figures().circuitOpen).toBe(1);
    expect(counted.get("circuit_opened")).toBe(1);
  });

  test("lets one call try after openMs; others do not wait for it", async () => {
    let up = false;
    const { chat, asked } = scriptedChat((request, signal, call) =>
      up ? slow(1000)(request, signal, call) : Promise.reject(down()),
    );
    const { guard } = guarded(chat, { attempts: 1, circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
    await tries(guard, 3);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await tries(guard, 2, 10), "the probe fails, and it stays open").toEqual([
      "CHAT_UNREACHABLE",
      "CHAT_CIRCUIT_OPEN",
    ]);
    up = true;
    await vi.advanceTimersByTimeAsync(5000);
    const probe = ended(guard.ask(distinct(20), never));
    await vi.advanceTimersByTimeAsync(10);
    expect(await ended(guard.ask(distinct(21), never))).toEqual({ how: "CHAT_CIRCUIT_OPEN", afterMs: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    expect((await probe).how).toBe("yes");
    expect(guard.figures().circuitOpen).toBe(0);
    expect(asked).toHaveLength(5);
  });

  test("a share of the calls may open it instead", async () => {
    const { chat } = scriptedChat((_request, _signal, call) =>
      call % 3 === 0 ? Promise.resolve(yes) : Promise.reject(down()),
    );
    const circuit = { failures: 20, share: 0.5, windowMs: 10_000, openMs: 5000 };
    const { guard } = guarded(chat, { attempts: 1, circuit });
    const hows = await tries(guard, 40);
    expect(hows.indexOf("CHAT_CIRCUIT_OPEN")).toBe(20);
  });

  test("opens for refusals of every request alike, not for those of one request", async () => {
    const of = async (status: number) => {
      const { guard } = guarded(scriptedChat(() => Promise.reject(refused(status))).chat);
      return (await tries(guard, 11)).at(-1);
    };
    expect(await of(401)).toBe("CHAT_CIRCUIT_OPEN");
    expect(await of(400)).toBe("CHAT_REFUSED");
  });

  test("a single 403 does not open it: some gateways answer so to one request that they moderate", async () => {
    const { guard } = guarded(scriptedChat(() => Promise.reject(refused(403))).chat);
    expect(await tries(guard, 2)).toEqual(["CHAT_REFUSED", "CHAT_REFUSED"]);
  });

  test.each([401, 402])(
    "opens at the first refusal with status %i, and counts in a row again after",
    async (status) => {
      let fault = refused(status) as Fault;
      let well = false;
      const { chat, asked } = scriptedChat(() => (well ? Promise.resolve(yes) : Promise.reject(fault)));
      const { guard } = guarded(chat, { attempts: 1, circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
      expect(await tries(guard, 2)).toEqual(["CHAT_REFUSED", "CHAT_CIRCUIT_OPEN"]);
      expect(asked).toHaveLength(1);
      well = true;
      await vi.advanceTimersByTimeAsync(5000);
      expect(await tries(guard, 1)).toEqual(["yes"]);
      [well, fault] = [false, down()];
      expect(await tries(guard, 4)).toEqual([...Array(3).fill("CHAT_UNREACHABLE"), "CHAT_CIRCUIT_OPEN"]);
    },
  );

  test("with a share too, the first 401 opens it; a 404 does not", async () => {
    const circuit = { failures: 20, share: 0.5, windowMs: 10_000, openMs: 5000 };
    const of = async (status: number) => {
      const { guard } = guarded(scriptedChat(() => Promise.reject(refused(status))).chat, { attempts: 1, circuit });
      return tries(guard, 2);
    };
    expect(await of(401)).toEqual(["CHAT_REFUSED", "CHAT_CIRCUIT_OPEN"]);
    expect(await of(404)).toEqual(["CHAT_REFUSED", "CHAT_REFUSED"]);
  });

  test("calls under way that are denied after it opened do not open it again once it closed", async () => {
    let fault = refused(401) as Fault;
    let well = false;
    const { chat } = scriptedChat((request, signal, call) =>
      well ? Promise.resolve(yes) : slow(call * 10)(request, signal, call).then(() => Promise.reject(fault)),
    );
    const { guard } = guarded(chat, { attempts: 1, circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
    const both = [ended(guard.ask(distinct(101), never)), ended(guard.ask(distinct(102), never))];
    await vi.advanceTimersByTimeAsync(20);
    expect((await Promise.all(both)).map(({ how }) => how)).toEqual(["CHAT_REFUSED", "CHAT_REFUSED"]);
    well = true;
    await vi.advanceTimersByTimeAsync(5000);
    expect(await tries(guard, 1)).toEqual(["yes"]);
    [well, fault] = [false, down()];
    const later = ended(guard.ask(distinct(103), never));
    await vi.advanceTimersByTimeAsync(1000);
    expect((await later).how).toBe("CHAT_UNREACHABLE");
    expect(guard.figures().circuitOpen).toBe(0);
  });

  test("a wrong key is warned of once a minute, with code and status, and so is its end", async () => {
    let well = false;
    const { chat } = scriptedChat(() => (well ? Promise.resolve(yes) : Promise.reject(refused(401))));
    const { guard, warnings } = guarded(chat, { circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
    await tries(guard, 5);
    const open = [
      expect.stringContaining("the server refuses the key (401)"),
      { model, code: "CHAT_REFUSED", status: 401 },
    ];
    expect(warnings).toEqual([open]);
    for (let at = 0; at < 55_000; at += 5000) {
      await vi.advanceTimersByTimeAsync(5000);
      await tries(guard, 1);
    }
    expect(warnings).toEqual([open]);
    await vi.advanceTimersByTimeAsync(5000);
    await tries(guard, 1);
    expect(warnings).toEqual([open, open]);
    well = true;
    await vi.advanceTimersByTimeAsync(5000);
    await tries(guard, 3);
    expect(warnings.slice(2)).toEqual([[expect.stringContaining("the circuit is closed again"), { model }]]);
  });

  test("a long Retry-After is warned of once, and a longer one again", async () => {
    let seconds = 5;
    const { chat } = scriptedChat(() => Promise.reject(new Fault("CHAT_BUSY", { model, afterMs: seconds * 1000 })));
    const { guard, warnings } = guarded(chat, { attempts: 1 });
    const wanted = (seconds: number) => [expect.stringContaining(`left alone for ${seconds} s`), { model, seconds }];
    const askAll = () => Promise.all([1, 2, 3].map((n) => ended(guard.ask(distinct(n), never))));
    await askAll();
    expect(warnings).toEqual([]);
    await vi.advanceTimersByTimeAsync(5000);
    seconds = 100;
    await askAll();
    expect(warnings).toEqual([wanted(100)]);
    await vi.advanceTimersByTimeAsync(100_000);
    seconds = 864_000;
    await askAll();
    await vi.advanceTimersByTimeAsync(600_000);
    expect((await askAll()).map(({ how }) => how)).toEqual(["CHAT_BUSY", "CHAT_BUSY", "CHAT_BUSY"]);
    expect(warnings).toEqual([wanted(100), wanted(864_000)]);
  });

  test("a probe that nobody waits for any more is no sign of life", async () => {
    let hangs = false;
    const { chat } = scriptedChat((request, signal, call) =>
      hangs ? silent(request, signal, call) : Promise.reject(down()),
    );
    const { guard } = guarded(chat, { attempts: 1, circuit: { failures: 3, windowMs: 1, openMs: 5000 } });
    await tries(guard, 3);
    hangs = true;
    await vi.advanceTimersByTimeAsync(5000);
    const controller = new AbortController();
    const probe = ended(guard.ask(distinct(9), controller.signal));
    await vi.advanceTimersByTimeAsync(1);
    controller.abort();
    await probe;
    await vi.advanceTimersByTimeAsync(1);
    expect(guard.figures().circuitOpen).toBe(1);
  });

  test("a deadline that left the call little time says nothing of the server", async () => {
    const { chat } = scriptedChat(slow(900));
    const { guard } = guarded(chat, { concurrency: 1, circuit: { failures: 1, windowMs: 1, openMs: 5000 } });
    const calls = [ended(guard.ask(distinct(1, 1000), never)), ended(guard.ask(distinct(2, 1000), never))];
    await vi.advanceTimersByTimeAsync(1000);
    expect((await Promise.all(calls)).map(({ how }) => how)).toEqual(["yes", "CHAT_TIMEOUT"]);
    expect(guard.figures().circuitOpen).toBe(0);
  });
});
