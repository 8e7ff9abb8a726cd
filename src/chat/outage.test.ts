import { beforeEach, expect, test, vi } from "vitest";
import { Fault } from "../errors.ts";
import { type Ask, ended, guarded, never, question, scriptedChat, silent, slow } from "./guard.test-help.ts";

const model = "test/m";
const PER_SECOND = 10;
const DEADLINE_MS = 3000;
const HEALTHY_S = 60;
const DOWN_S = 3600;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const failing =
  (error: () => Error, afterMs = 0): Ask =>
  (request, signal, call) =>
    slow(afterMs)(request, signal, call).then(() => Promise.reject(error()));

const ways: readonly [string, Ask][] = [
  ["refuses connections", failing(() => new Fault("CHAT_UNREACHABLE", { model, reason: "ECONNREFUSED", sent: false }))],
  ["answers 503 after a while", failing(() => new Fault("CHAT_FAILED", { model, status: 503, reason: "" }), 800)],
  ["is busy, and says not until when", failing(() => new Fault("CHAT_BUSY", { model, afterMs: null }), 100)],
  ["has forgotten its key", failing(() => new Fault("CHAT_REFUSED", { model, status: 401, reason: "" }), 50)],
  ["never answers", silent],
];

test.each(ways)(
  "a server that %s for an hour: no post waits past its deadline, and all is well again after",
  async (_, broken) => {
    let down = false;
    const { chat, asked } = scriptedChat((request, signal, call) => (down ? broken : slow(300))(request, signal, call));
    const { guard, counted } = guarded(chat);
    const calls: Promise<Awaited<ReturnType<typeof ended>> & { readonly at: number }>[] = [];
    let number = 0;
    /** Lets posts come in evenly; answers when the circuit was first seen open, in seconds from the beginning. */
    const posts = async (seconds: number): Promise<number> => {
      let openAt = Number.POSITIVE_INFINITY;
      for (let i = 0; i < seconds * PER_SECOND; i++) {
        const at = performance.now();
        const messages = [{ role: "user" as const, text: `Who is number ${number++}?` }];
        const call = guard.ask({ ...question, messages, deadline: at + DEADLINE_MS }, never);
        calls.push(ended(call).then((end) => ({ ...end, at })));
        await vi.advanceTimersByTimeAsync(1000 / PER_SECOND);
        if (guard.figures().circuitOpen === 1) openAt = Math.min(openAt, (i + 1) / PER_SECOND);
      }
      return openAt;
    };

    await posts(HEALTHY_S);
    down = true;
    const before = asked.length;
    const openAfterS = await posts(DOWN_S);
    const wasted = asked.length - before;
    down = false;
    const upAt = performance.now();
    await posts(HEALTHY_S);
    await vi.advanceTimersByTimeAsync(DEADLINE_MS);
    const ends = await Promise.all(calls);

    expect(openAfterS).toBeLessThan(5);
    expect(Math.max(...ends.map(({ afterMs }) => afterMs))).toBeLessThanOrEqual(DEADLINE_MS);
    const atOnce = ends.filter(({ how, afterMs }) => how === "CHAT_CIRCUIT_OPEN" && afterMs === 0).length;
    expect(atOnce / (DOWN_S * PER_SECOND), "the rest of the hour costs no time").toBeGreaterThan(0.95);
    expect(wasted, "one try each ten seconds, after the first ones").toBeLessThan(DOWN_S / 10 + 100);
    const firstAnswer = ends.find(({ how, at }) => at >= upAt && how === "yes")!.at;
    expect(firstAnswer - upAt, "it is back without a restart").toBeLessThanOrEqual(10_000);
    expect(ends.filter(({ at, how }) => at > firstAnswer + 1000 && how !== "yes")).toEqual([]);
    expect(counted.get("circuit_closed")).toBe(1);
  },
);
