import { join } from "node:path";
import { expect, test } from "vitest";
import { type Batch, toBatch } from "./batch.ts";
import { fixtureFolder } from "./fixture.ts";
import { sampleRow } from "./measure.ts";
import type { EngineSpec } from "./messages.ts";
import { openPool } from "./pool.ts";
import { childEntry } from "./process.ts";
import { openHere, openRunner } from "./runner.ts";
import { openThread } from "./runner-thread.ts";

const tags = 5;
const folder = fixtureFolder("bert-onnx");

function specOf(provider: string): EngineSpec {
  const zeros = (size: number) => new Array<number>(size).fill(0);
  return {
    source: { kind: "onnx", file: join(folder, "model.onnx"), pooled: false },
    layout: { providers: [provider], fallback: true, processes: 1, threads: 1, batch: 4 },
    crf: { tags, transitions: zeros(tags * tags), start: zeros(tags), end: zeros(tags) },
    temperature: 1,
    labels: undefined,
    labelCount: tags,
    pad: 0,
    firstPosition: 0,
    pooling: "mean",
  };
}

const rowOf = (seed: number) => ({ ...sampleRow(6), ids: Int32Array.from({ length: 6 }, (_, i) => 5 + seed + i) });
const batchOf = (...seeds: number[]): Batch => toBatch(seeds.map(rowOf), specOf("cpu"));

test("a thread answers as this one does, each batch its own, in any company", async () => {
  const [here, thread] = [await openHere(specOf("cpu")), await openThread(specOf("cpu"))];
  const batches = [batchOf(1), batchOf(2, 3, 4), batchOf(5)];
  const together = await Promise.all(batches.map((batch) => thread.run(batch)));
  for (const [index, batch] of batches.entries()) {
    const expected = await here.run(batch);
    expect([...together[index]!.scores.data]).toEqual([...expected.scores.data]);
    expect(together[index]!.scores.dims).toEqual([batch.rows, 6, tags]);
    expect([...together[index]!.hidden.data]).toEqual([...expected.hidden.data]);
  }
  expect(new Set(together.map(({ scores }) => scores.data[0])).size).toBe(3);
  expect([here.apart, thread.apart]).toEqual([false, true]);
  await Promise.all([here.close(), thread.close()]);
});

test("what fails in the thread is told, and it goes on", async () => {
  const thread = await openThread(specOf("cpu"));
  const outside = { ...batchOf(1), ids: new Int32Array(6).fill(1_000) };
  await expect(thread.run(outside)).rejects.toThrow(/out of bounds|indices/i);
  expect((await thread.run(batchOf(1))).scores.dims).toEqual([1, 6, tags]);
  await thread.close();
  await expect(thread.run(batchOf(1))).rejects.toThrow("the thread of the model ended");
});

test("a model that cannot be opened is refused with its own fault", async () => {
  const broken: EngineSpec = {
    ...specOf("cpu"),
    source: { kind: "onnx", file: join(folder, "config.json"), pooled: false },
  };
  const refusal = await openHere(broken).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "MODEL_FILE_INVALID" });
  await expect(openThread(broken)).rejects.toMatchObject({ code: "MODEL_FILE_INVALID" });
});

test("only a provider beside the CPU gets a thread; posts keep their answers through it", async () => {
  const cpu = await openRunner(specOf("cpu"));
  expect(cpu.apart).toBe(false);
  await cpu.close();
  // No runtime has this provider, so the thread's model is on the CPU in the end.
  const posts = Array.from({ length: 40 }, (_, i) => ({ rows: [rowOf(i)], words: 6, vector: true }));
  const answers = await Promise.all(
    ["cpu", "nobody-has-it"].map(async (provider) => {
      const spec = specOf(provider);
      const pool = await openPool({ entry: childEntry, spec, processes: 1, timeoutMs: 30_000, model: "tiny" });
      const outcomes = await pool.run(posts, new AbortController().signal);
      await pool.close();
      return outcomes.map((outcome) => (outcome.kind === "ok" ? [...outcome.value.vector!] : outcome));
    }),
  );
  expect(answers[0]).toHaveLength(40);
  for (const [index, vector] of (answers[0] as number[][]).entries())
    for (const [k, value] of vector.entries()) expect((answers[1] as number[][])[index]![k]).toBeCloseTo(value, 4);
});
