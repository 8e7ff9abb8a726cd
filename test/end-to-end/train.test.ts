import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Card, cardSchema } from "../../src/train/card.ts";
import { root, start } from "./starling.ts";

const config = "test/fixtures/train/onnx.yaml";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "train-onnx-"));
  const { code } = await run("straight", ["train", config]);
  expect(code).toBe(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command with its own output folder; sends SIGINT once it has said `interrupt`. */
async function run(out: string, args: readonly string[], interrupt?: string, env = {}) {
  const running = start(args, { cwd: root, env: { STARLING_TEST_OUT: join(folder, out), ...env } });
  if (interrupt !== undefined) {
    await running.sees(interrupt);
    running.child.kill("SIGINT");
  }
  const { code, stdout, stderr } = await running.ended;
  return { code, lines: stdout.trimEnd().split("\n"), stderr };
}

const sha = async (path: string) =>
  createHash("sha256")
    .update(await readFile(join(folder, path)))
    .digest("hex");
const cardOf = async (out: string): Promise<Card> =>
  cardSchema.parse(JSON.parse(await readFile(join(folder, out, "tiny-onnx/card.json"), "utf8")));

test("an encoder learns own-made posts, in fp32 and int8, each scored as it is served", async () => {
  const { scores, epochs } = await cardOf("straight");
  expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 2);
  expect(scores.fp32!.f1).toBeGreaterThan(60);
  expect(scores.int8!.f1).toBeGreaterThan(55);
});

test("evaluate of the saved folder gives the card's F1 and fingerprint", async () => {
  const model = join(folder, "straight/tiny-onnx");
  const args = ["evaluate", "--model", model, "--data", "test/fixtures/train/valid.ndjson", "--json"];
  for (const precision of ["fp32", "int8"] as const) {
    const { lines } = await run("none", [...args, "--precision", precision]);
    const report = JSON.parse(lines.at(-1)!) as { f1: number; fingerprint: string; model: string };
    const card = await cardOf("straight");
    expect(report.f1).toBeCloseTo(card.scores[precision]!.f1, 3);
    expect(report.fingerprint).toBe(card.data.valid[0]!.fingerprint);
    expect(report.model).toMatch(/^tiny-onnx-[0-9a-f]{8}$/);
  }
}, 60_000);

test("interrupted by SIGINT and resumed in another process, the weights are the same, bit for bit", async () => {
  const stopped = await run("parts", ["train", config], '"epoch":2');
  expect(stopped.code).toBe(0);
  expect(stopped.lines.at(-1)).toContain('"interrupted"');
  const { code, stderr } = await run("parts", ["train", config, "--resume"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const file of ["tiny-onnx/model.onnx", "tiny-onnx/model.int8.onnx", "tiny-onnx/tagger.json"])
    expect(await sha(join("parts", file))).toBe(await sha(join("straight", file)));
}, 60_000);

test("a saved model is trained further from where it was; with int8 alone it is refused before anything is learnt", async () => {
  const model = join(folder, "straight/tiny-onnx");
  const further = ["train", config, "--epochs", "1"];
  const { code } = await run("further", further, undefined, { STARLING_TEST_MODEL: model });
  expect(code).toBe(0);
  const [first, then] = [await cardOf("straight"), await cardOf("further")];
  expect(then.epochs[0]!.loss).toBeLessThan(first.epochs[0]!.loss / 2);
  expect(then.scores.fp32!.f1).toBeGreaterThan(first.scores.fp32!.f1 - 15);

  const shipped = join(root, "models/default");
  const refused = await run("int8", further, undefined, { STARLING_TEST_MODEL: shipped });
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/precisions: \[fp32, int8\].*MODEL_FILE_MISSING/),
  ]);
}, 60_000);

test("a truncated model is named at opening, with what is missing of it", async () => {
  await truncate(join(folder, "parts/tiny-onnx/model.onnx"), 100_000);
  const args = ["--data", "test/fixtures/train/valid.ndjson", "--precision", "fp32"];
  const { code, stderr } = await run("none", ["evaluate", "--model", join(folder, "parts/tiny-onnx"), ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/model\.onnx.*100000 bytes instead of \d+: it is cut off/);
}, 60_000);
