import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isFault, type Outcome } from "starling-ner";
import { afterEach, describe, expect, test } from "vitest";
import type { Answer, EngineSpec, Work } from "./messages.ts";
import { openPool, type Pool } from "./pool.ts";

// Children that answer by rule, so that each way of ending can be had at will; see child.test-help.ts.
const entry = fileURLToPath(new URL("./child.test-help.ts", import.meta.url));
const live = new AbortController().signal;

const pools: Pool[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function open(rules: { readonly processes?: number; readonly timeoutMs?: number; readonly start?: string } = {}) {
  const lost: string[] = [];
  const { processes = 2, timeoutMs = 5_000, start = "" } = rules;
  const spec = { source: { kind: "onnx", file: start, pooled: true } } as unknown as EngineSpec;
  const onLost = (how: string) => void lost.push(how);
  const pool = await openPool({ entry, spec, processes, timeoutMs, model: "test-model", onLost });
  pools.push(pool);
  return { pool, lost };
}

/** A post whose first id says what the child does with it: 0 answers, 1 ends the child, 2 hangs, 3 throws. */
const post = (does: number, id = 0): Work => ({ rows: [rowOf(Int32Array.of(does, id))], words: id, vector: true });
const longPost = (does: number): Work => ({
  rows: [rowOf(new Int32Array(5_000).fill(does, 0, 1))],
  words: 0,
  vector: true,
});

function rowOf(ids: Int32Array): Work["rows"][0] {
  const none = { start: 0, end: 0 };
  return { ids, segments: ids, shapes: ids, first: new Int32Array(0), textLength: 0, words: none, keep: none };
}
const [ANSWERS, ENDS, HANGS, THROWS, ENDS_ONCE] = [0, 1, 2, 3, 4];

const codeOf = (outcome: Outcome<Answer> | undefined): string =>
  outcome?.kind === "fail"
    ? isFault(outcome.error)
      ? outcome.error.code
      : outcome.error.message
    : (outcome?.kind ?? "");

test("answers every post in order, whoever asked", async () => {
  const { pool } = await open();
  const calls = await Promise.all(
    [1, 2, 3].map((call) =>
      pool.run(
        [0, 1, 2, 3, 4].map((i) => post(ANSWERS!, 10 * call + i)),
        live,
      ),
    ),
  );
  const golds = calls.map((outcomes) => outcomes.map((one) => (one.kind === "ok" ? one.value.expected.gold : -1)));
  expect(golds).toEqual([1, 2, 3].map((call) => [0, 1, 2, 3, 4].map((i) => 10 * call + i)));
});

test("a post that ends its process is run again once, then fails; the others are answered", async () => {
  const { pool, lost } = await open();
  const works = Array.from({ length: 40 }, (_, i) => post(i === 7 ? ENDS! : ANSWERS!, i));
  const outcomes = await pool.run(works, live);
  expect(outcomes.map(codeOf)).toEqual(works.map((_, i) => (i === 7 ? "TAGGER_CHILD_LOST" : "ok")));
  expect(lost).toHaveLength(2);
});

test("work of a process that was killed from outside is done by another", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-pool-"));
  folders.push(folder);
  const { pool, lost } = await open({ start: join(folder, "once"), processes: 1 });
  const outcomes = await pool.run([post(ENDS_ONCE!, 5), post(ANSWERS!, 6)], live);
  expect(outcomes.map(codeOf)).toEqual(["ok", "ok"]);
  expect(lost).toEqual(["signal SIGKILL"]);
});

test("a process that hangs is replaced; its posts fail, later ones are answered", async () => {
  const { pool, lost } = await open({ processes: 1, timeoutMs: 300 });
  const hanging = pool.run([post(HANGS!)], live);
  await sleep(50);
  const waiting = pool.run([post(ANSWERS!, 1)], live);
  expect((await hanging).map(codeOf)).toEqual(["TAGGER_TIMEOUT"]);
  expect((await waiting).map(codeOf)).toEqual(["ok"]);
  expect(lost).toEqual(["no answer for 300 ms"]);
});

test("every process hanging at once is replaced as well", async () => {
  const { pool } = await open({ processes: 2, timeoutMs: 300 });
  const outcomes = await Promise.all([0, 1, 2, 3].map(() => pool.run([post(HANGS!)], live)));
  expect(outcomes.flat().map(codeOf)).toEqual(new Array(4).fill("TAGGER_TIMEOUT"));
  expect((await pool.run([post(ANSWERS!)], live)).map(codeOf)).toEqual(["ok"]);
});

test("a post that throws fails alone", async () => {
  const { pool } = await open();
  const outcomes = await pool.run([post(ANSWERS!), post(THROWS!), post(ANSWERS!)], live);
  expect(outcomes.map(codeOf)).toEqual(["ok", "this post throws", "ok"]);
});

test("an aborted call ends at once, and the next is answered", async () => {
  const { pool } = await open({ processes: 1, timeoutMs: 1_000 });
  const stop = new AbortController();
  const begin = performance.now();
  const running = pool.run([post(HANGS!), post(ANSWERS!)], stop.signal);
  setTimeout(() => stop.abort(), 20);
  expect((await running).map(({ kind }) => kind)).toEqual(["fail", "fail"]);
  expect(performance.now() - begin).toBeLessThan(500);
  expect((await pool.run([post(ANSWERS!)], live)).map(codeOf)).toEqual(["ok"]);
});

test("an aborted call keeps what was answered; the rest fails with the reason", async () => {
  const { pool } = await open({ processes: 1 });
  const stop = new AbortController();
  const running = pool.run([longPost(HANGS!), post(ANSWERS!, 1), post(ANSWERS!, 2)], stop.signal);
  setTimeout(() => stop.abort(new Error("time is over")), 500);
  expect((await running).map(codeOf)).toEqual(["time is over", "ok", "ok"]);
});

test("what comes after a long post is answered by another process", async () => {
  const { pool } = await open({ processes: 2 });
  const stop = new AbortController();
  const long = pool.run([longPost(HANGS!)], stop.signal);
  const short = await pool.run(
    Array.from({ length: 40 }, (_, i) => post(ANSWERS!, i)),
    live,
  );
  expect(short.map(codeOf)).toEqual(new Array(40).fill("ok"));
  stop.abort(new Error("time is over"));
  expect((await long).map(codeOf)).toEqual(["time is over"]);
});

test("a model that cannot be opened is refused, and leaves no process", async () => {
  await expect(open({ start: "refuse" })).rejects.toThrow(/refused on purpose/);
  await expect(open({ start: "die" })).rejects.toThrow();
});

describe("closing", () => {
  test("ends the processes and fails what still runs", async () => {
    const { pool } = await open();
    const running = pool.run([post(HANGS!)], live);
    await sleep(20);
    const { pids } = pool;
    await pool.close();
    expect((await running).map(codeOf)).toEqual(["TAGGER_CLOSED"]);
    expect((await pool.run([post(ANSWERS!)], live)).map(codeOf)).toEqual(["TAGGER_CLOSED"]);
    expect(pids.filter(lives)).toEqual([]);
  });

  test("no process outlives a parent that is killed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "starling-pool-"));
    folders.push(folder);
    const script = join(fileURLToPath(new URL(".", import.meta.url)), "parent.test-help.ts");
    const list = join(folder, "pids");
    await writeFile(list, "");
    const parent = spawn(process.execPath, ["--conditions=source", script, entry, list], { stdio: "inherit" });
    const pids = await until(
      async () => (await readFile(list, "utf8")).split("\n").filter(Boolean).map(Number),
      (all) => all.length === 2,
    );
    expect(pids.every(lives)).toBe(true);
    parent.kill("SIGKILL");
    expect(
      await until(
        async () => pids.filter(lives),
        (left) => left.length === 0,
      ),
    ).toEqual([]);
  });
});

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until<T>(look: () => Promise<T>, enough: (seen: T) => boolean): Promise<T> {
  for (let turn = 0; ; turn++) {
    const seen = await look();
    if (enough(seen) || turn === 200) return seen;
    await sleep(50);
  }
}
