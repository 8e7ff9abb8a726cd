import { appendFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { question, scriptedChat, yes } from "../chat/guard.test-help.ts";
import type { ChatAnswer, ChatBatches, ChatBatchState } from "../chat.ts";
import { Fault } from "../errors.ts";
import { openBatchLog } from "./batch-log.ts";
import { carryOut } from "./carry-out.ts";

const model = "test/m";
const failed = () => new Fault("CHAT_FAILED", { model, status: 503, reason: "down" });
const state = (status: ChatBatchState["status"], done = 0): ChatBatchState => ({ status, reason: "", done, total: 2 });
const live = new AbortController().signal;
let file: string;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), "starling-batches-")), "k.batches");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  return () => vi.useRealTimers();
});

/** Carries out one batch of two questions, in virtual time. */
async function carried(batches: Partial<ChatBatches>, signal = live) {
  const log = await openBatchLog(file);
  const said: string[] = [];
  const { chat } = scriptedChat();
  const task = {
    chat,
    resource: "llm",
    batches: {
      maxRequests: 10,
      maxBytes: 1000,
      bytesOf: () => 1,
      begin: async () => "batch_1",
      find: async () => undefined,
      look: async () => state("completed", 2),
      fetch: async () =>
        new Map([
          ["a", yes],
          ["b", yes],
        ]),
      ...batches,
    },
    requests: new Map([
      ["a", question],
      ["b", question],
    ]),
    log,
    told: {
      longestMs: 60_000,
      say: (line: string) => void said.push(line),
    },
    signal,
  };
  let over = false;
  const open = log.open()[0];
  const end = carryOut(open ? { ...task, open } : task)
    .then(
      () => undefined,
      (error: unknown) => error,
    )
    .finally(() => {
      over = true;
    });
  const from = performance.now();
  while (!over) await vi.advanceTimersByTimeAsync(500);
  const error = await end;
  const came = [...log.results.values()].flatMap(({ came }): ChatAnswer[] => (came instanceof Error ? [] : [came]));
  await log.close({ done: false });
  return { error, said, came, results: log.results, open: log.open(), tookMs: performance.now() - from };
}

test("looks are a second apart at first and a minute at last; a server that is gone meanwhile ends nothing", async () => {
  const looks: number[] = [];
  const end = performance.now() + 3_600_000;
  const { error, said, came } = await carried({
    look: async () => {
      looks.push(performance.now());
      if (looks.length === 3 || looks.length === 4) throw failed();
      return performance.now() < end ? state("waiting", looks.length > 20 ? 1 : 0) : state("completed", 2);
    },
  });
  expect(error).toBeUndefined();
  expect(came).toEqual([yes, yes]);
  const gaps = looks.slice(1).map((at, i) => at - looks[i]!);
  expect(gaps[0]).toBeLessThan(1600);
  expect(Math.max(...gaps)).toBeLessThan(61_000);
  expect(looks.length).toBeLessThan(80);
  expect(said.filter((line) => line.includes("1 of 2 done")).length).toBe(1);
  expect(said.filter((line) => line.includes("trying again")).length).toBe(1);
});

test("a server that stays away is given up after twenty calls, and the batch stays in the file", async () => {
  let looks = 0;
  const { error, open, said } = await carried({
    look: async () => {
      looks++;
      throw failed();
    },
  });
  expect([error, looks]).toEqual([expect.objectContaining({ code: "CHAT_FAILED" }), 20]);
  expect(open).toMatchObject([{ id: "batch_1", keys: ["a", "b"] }]);
  expect(said.at(-1)).toMatch(/start again to wait for it\. It is paid for also where .*k\.batches is deleted/);
});

test("where the answer to its beginning is lost, the batch is looked for before another one is begun", async () => {
  let begun = 0;
  const lost = await carried({
    begin: async () => {
      begun++;
      throw new Fault("CHAT_TIMEOUT", { model, afterMs: 1 });
    },
    find: async () => "batch_7",
  });
  expect([lost.error, begun, lost.said.at(-1)]).toEqual([undefined, 1, expect.stringContaining("batch_7 ended")]);
});

/** A file that a run left which was killed before it knew the batch's id. */
async function killedEarly() {
  const log = await openBatchLog(file);
  await log.intend({ name: "starling-1", model, keys: ["a", "b"] });
  await log.close({ done: false });
}

test("a batch whose id was never learned is looked for more than once, for the server may be at it still", async () => {
  await killedEarly();
  let looks = 0;
  const { error, came, tookMs } = await carried({
    begin: async () => expect.unreachable("it is under way"),
    find: async () => (++looks < 3 ? undefined : "batch_7"),
    forget: () => expect.unreachable("it began"),
  });
  expect([error, came.length, looks]).toEqual([undefined, 2, 3]);
  expect(tookMs).toBeGreaterThanOrEqual(15_000);
});

test("only where it is not there at three looks is its money given back, and it counts as never begun", async () => {
  await killedEarly();
  const told: string[] = [];
  const { error, came, open } = await carried({
    find: async () => void told.push("find"),
    forget: (name) => void told.push(`forget ${name}`),
  });
  expect([error, came, open]).toEqual([undefined, [], []]);
  expect(told).toEqual(["find", "find", "find", "forget starling-1"]);
});

test("where nobody can tell whether it began, it stays in the file, and its money put aside", async () => {
  await killedEarly();
  const { error, open } = await carried({
    find: async () => {
      throw new Fault("CHAT_BATCH_UNKNOWN", { model, name: "starling-1", looked: 10_000 });
    },
    forget: () => expect.unreachable("nobody knows"),
  });
  expect([error, open.length]).toEqual([expect.objectContaining({ code: "CHAT_BATCH_UNKNOWN" }), 1]);
});

test("one that cannot be begun is tried three times; what surely never began leaves nothing behind", async () => {
  let begun = 0;
  const busy = async () => {
    begun++;
    throw new Fault("CHAT_BUSY", { model, afterMs: 5000 });
  };
  const { error, open, tookMs } = await carried({ begin: busy });
  expect([error, begun, open]).toEqual([expect.objectContaining({ code: "CHAT_BUSY" }), 3, []]);
  expect(tookMs).toBeGreaterThan(10_000);
  begun = 0;
  const refused = await carried({
    begin: async () => {
      begun++;
      throw new Fault("CHAT_REFUSED", { model, status: 401, reason: "" });
    },
  });
  expect([refused.open, begun]).toEqual([[], 1]);
});

test("a server that wants peace before a batch is waited for in words, and for ten minutes at most", async () => {
  let begun = 0;
  const busy = (afterMs: number, times: number) => async () => {
    if (begun++ < times) throw new Fault("CHAT_BUSY", { model, afterMs });
    return "batch_1";
  };
  const short = await carried({ begin: busy(400_000, 1) });
  expect([short.error, short.came.length]).toEqual([undefined, 2]);
  expect(short.said[0]).toMatch(
    /^test\/m wants no request for 400 s, until .*: waiting, with 2 questions to hand over$/,
  );
  begun = 0;
  const twice = await carried({ begin: busy(400_000, 2) });
  expect([twice.error, begun, twice.open]).toEqual([expect.objectContaining({ code: "CHAT_BUSY" }), 2, []]);
  expect(twice.said.at(-1)).toMatch(/2 questions wait for another start, from then on$/);
  begun = 0;
  const long = await carried({ begin: busy(3_600_000, 1) });
  expect([begun, long.said.length, long.open]).toEqual([1, 1, []]);
});

test("a stop while such a server is waited for leaves no batch behind to look for", async () => {
  const stop = new AbortController();
  let begun = 0;
  const begin = async () => {
    begun++;
    setTimeout(() => stop.abort(new Error("stop")), 1000);
    throw new Fault("CHAT_BUSY", { model, afterMs: 600_000 });
  };
  const { error, open } = await carried({ begin }, stop.signal);
  expect([error, open, begun]).toEqual([expect.objectContaining({ message: "stop" }), [], 1]);
});

test.each(["look", "fetch"] as const)(
  "of a batch that the server does not have it says how to give it up: %s",
  async (call) => {
    const gone = async () => {
      throw new Fault("CHAT_REFUSED", { model, status: 404, reason: "No such batch" });
    };
    const { error, open, said } = await carried({ [call]: gone });
    expect([error, open.length]).toEqual([expect.objectContaining({ code: "CHAT_REFUSED" }), 1]);
    expect(said.slice(1)).toEqual([
      expect.stringMatching(/does not have batch_1 .*delete .*k\.batches: that gives the batch up/),
    ]);
  },
);

test.each([
  ["completed", "CHAT_GARBLED"],
  ["expired", "CHAT_BATCH_ENDED"],
  ["cancelled", "CHAT_BATCH_ENDED"],
  ["failed", "CHAT_BATCH_ENDED"],
] as const)("a batch that ended as %s and says nothing of a question: %s", async (status, code) => {
  const { results } = await carried({ look: async () => state(status), fetch: async () => new Map([["a", yes]]) });
  expect(results.get("a")).toMatchObject({ came: yes, times: 1 });
  expect(results.get("b")).toMatchObject({ came: { code } });
});

test("a stop leaves the batch to the server; the next run reads it, and a half-written line harms nobody", async () => {
  const stop = new AbortController();
  const first = await carried(
    {
      look: async () => {
        setTimeout(() => stop.abort(new Error("stop")), 10);
        return state("waiting");
      },
    },
    stop.signal,
  );
  expect([first.error, first.open.length]).toEqual([expect.objectContaining({ message: "stop" }), 1]);
  await appendFile(file, '{"batch":"st');
  const begin = async () => expect.unreachable("it is under way");
  const second = await carried({ begin });
  expect([second.error, second.open, second.came.length]).toEqual([undefined, [], 2]);
  expect(await readFile(file, "utf8")).toMatch(/"ended":"completed"\}\n$/);
  const log = await openBatchLog(file);
  expect(log.results.get("a")).toEqual({ came: yes, times: 1 });
  await log.close({ done: true });
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a crash while answers are written down: they are fetched again, and count once", async () => {
  await carried({});
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  expect(lines.length).toBe(5);
  await writeFile(file, `${lines.slice(0, 3).join("\n")}\n${lines[3]!.slice(0, 20)}`);
  const { came, open, results } = await carried({ begin: async () => expect.unreachable("it is under way") });
  expect([came.length, open]).toEqual([2, []]);
  expect([...results.values()]).toEqual([
    { came: yes, times: 1 },
    { came: yes, times: 1 },
  ]);
});

test("a file that is only looked at stays as it is, and is not made", async () => {
  const none = await openBatchLog(file, { readOnly: true });
  await none.close({ done: true });
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  await killedEarly();
  await appendFile(file, '{"batch":"st');
  const before = await readFile(file, "utf8");
  const log = await openBatchLog(file, { readOnly: true });
  expect(log.open().length).toBe(1);
  await log.close({ done: true });
  expect(await readFile(file, "utf8")).toBe(before);
});

test("an answer that no stage could read is not found by the next run; a file without any other is taken away", async () => {
  await carried({});
  const log = await openBatchLog(file);
  log.unread("a");
  expect([log.results.has("a"), log.holds()], "in this run it stays").toEqual([true, true]);
  await log.close({ done: false });
  const next = await openBatchLog(file);
  expect([...next.results.keys()]).toEqual(["b"]);
  next.unread("b");
  expect(next.holds()).toBe(false);
  await next.close({ done: false });
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a file of something else is told by its line", async () => {
  await writeFile(file, '{"batch":"starling-1","id":"batch_1"}\n');
  await expect(openBatchLog(file)).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringContaining("k.batches:1: tells the id of a batch that no line before it begins"),
  });
  await writeFile(file, "my notes\n");
  await expect(openBatchLog(file)).rejects.toMatchObject({
    code: "DATA_MALFORMED",
    message: expect.stringContaining("k.batches:1"),
  });
  await expect(openBatchLog(join(file, "x"))).rejects.toMatchObject({ code: "OUTPUT_FAILED" });
});
