import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cardSchema } from "../train/card.ts";
import { verifyManifest } from "../train/manifest.ts";
import { trainCommand } from "./train.ts";

const config = resolve("test/fixtures/train/train.yaml");
let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "train-cli-"));
  process.env.STARLING_TEST_OUT = out;
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
const signals = ["SIGINT", "SIGTERM"] as const;
const listeners = signals.map((name) => process.listeners(name));
afterEach(async () => {
  vi.restoreAllMocks();
  // Every command listens for signals until its process ends; this process goes on.
  signals.forEach((name, i) => {
    for (const added of process.listeners(name).filter((one) => !listeners[i]!.includes(one))) process.off(name, added);
  });
  await rm(out, { recursive: true });
});

const command = (...args: string[]) => trainCommand().exitOverride().parseAsync(args, { from: "user" });
const json = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(out, path), "utf8"));
const sha = async (path: string) =>
  createHash("sha256")
    .update(await readFile(join(out, path)))
    .digest("hex");

test("saves model, card, profile and a manifest that agrees with them", async () => {
  await command(config);
  const manifest = await verifyManifest(join(out, "tiny"));
  expect(manifest.files.map(({ path }) => path)).toEqual([
    "README.md",
    "card.json",
    "model.bin",
    "model.int8.bin",
    "profile.json",
    "tagger.json",
  ]);
  const card = cardSchema.parse(await json("tiny/card.json"));
  expect(card).toMatchObject({ name: "tiny", types: ["LOC", "PER"], seed: 1, licence: "made for tests" });
  expect(card.scores.fp32!.f1).toBeGreaterThan(90);
  expect(card.scores.int8!.types.PER!.gold).toBe(15);
  expect(card.data.train[0]).toMatchObject({ file: "train/train.conll", posts: 60 });
  const profile = await json("tiny/profile.json");
  expect(profile).toMatchObject({
    train: { posts: 60, languages: { en: 1 } },
    valid: { posts: 20, unknownWordRate: 0 },
  });
  expect(await readFile(join(out, "tiny/README.md"), "utf8")).toContain(card.data.valid[0]!.fingerprint.slice(0, 16));
});

test("the same seed gives the same weights, another seed others; each seed has its folder and card", async () => {
  await command(config, "--seeds", "1,2", "--cards", join(out, "cards"));
  await command(config, "--seed", "2", "--out", join(out, "again"));
  expect(await sha("again/model.bin")).toBe(await sha("tiny/seed-2/model.bin"));
  expect(await sha("tiny/seed-1/model.bin")).not.toBe(await sha("tiny/seed-2/model.bin"));
  expect((await readdir(join(out, "cards"))).sort()).toEqual(["tiny-seed-1.json", "tiny-seed-2.json"]);
});

test("--limit and --epochs make a short run", async () => {
  await command(config, "--limit", "16", "--epochs", "1");
  const card = cardSchema.parse(await json("tiny/card.json"));
  expect(card.epochs).toHaveLength(1);
  expect(card.data.train[0]!.posts).toBe(16);
});

test("SIGINT leaves a checkpoint, --resume goes on to the same weights", async () => {
  await command(config, "--epochs", "60", "--out", join(out, "straight"));
  const last = "checkpoints/epoch-4-batch-0/state.bin";
  const straight = await sha(last);
  await rm(join(out, "checkpoints"), { recursive: true });
  const args = ["--conditions=source", "test/fixtures/train/run.ts", config, "--epochs", "60"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (line.includes('"epoch":2')) child.kill("SIGINT");
  });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  expect(lines.at(-1)).toContain('"interrupted"');
  await command(config, "--epochs", "60", "--resume");
  expect(await sha(last)).toBe(straight);
  expect(await sha("tiny/model.bin")).toBe(await sha("straight/model.bin"));
});

const changed = async (from: string | RegExp, to: string): Promise<string> => {
  const text = (await readFile(config, "utf8"))
    .replace("../hashed-tagger", resolve("test/fixtures/hashed-tagger"))
    .replace(from, to);
  for (const file of ["train.conll", "valid.ndjson"]) await copyFile(join(config, "..", file), join(out, file));
  await writeFile(join(out, "changed.yaml"), text);
  return join(out, "changed.yaml");
};

test("bad settings, data and taggers are refused before anything is learnt", async () => {
  const refused = async (from: string | RegExp, to: string, code: string, message: RegExp) => {
    await expect(command(await changed(from, to))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  };
  await refused("epochs: 3", "epoch: 3", "CONFIG_INVALID", /changed\.yaml:\d+:\d+.*epoch/s);
  await refused("tagger: tagger\n", "tagger: other\n", "RESOURCE_UNKNOWN", /other/);
  await refused(
    "format: posts, path: valid.ndjson",
    "format: conll, path: train.conll",
    "TRAIN_DATA_UNFIT",
    /train and valid at once/,
  );
  await refused("epochs: 3", "types: [PER]\n  epochs: 3", "TRAIN_DATA_UNFIT", /"LOC".*labelMap/);
  await refused(
    "path: train.conll",
    "path: none.conll",
    "CONFIG_INVALID",
    /:\d+:\d+: .*none\.conll: .*DATA_UNREADABLE/,
  );
});

test("a folder of other things is never replaced by a model, nor is a place learnt for that cannot be written", async () => {
  await mkdir(join(out, "notes"));
  await writeFile(join(out, "notes/mine.txt"), "keep");
  await expect(command(config, "--out", join(out, "notes"))).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("saving replaces the whole folder"),
  });
  await expect(command(config, "--out", join(out, "notes/mine.txt/model"))).rejects.toThrow(/mine\.txt is a file/);
  expect(await readFile(join(out, "notes/mine.txt"), "utf8")).toBe("keep");
  const fast = ["--limit", "8", "--epochs", "1", "--cards", join(out, "cards")];
  await command(config, ...fast, "--seeds", "1");
  await command(config, ...fast, "--seeds", "1");
  await expect(command(config, ...fast)).rejects.toThrow(/no model can be saved as .*tiny; it holds other files/);
});

test("a post without labels, a label that holds no word and two labels on one word are named with their line", async () => {
  const file = await changed("x", "x");
  const refused = async (labels: unknown, message: RegExp) => {
    const post = { id: "a", text: "Ada met Bo", ...(labels === undefined ? {} : { labels }) };
    await writeFile(join(out, "valid.ndjson"), `\n${JSON.stringify(post)}\n`);
    await expect(command(file)).rejects.toMatchObject({
      code: "TRAIN_DATA_UNFIT",
      message: expect.stringMatching(message),
    });
  };
  await refused(undefined, /valid\.ndjson:2.*no labels/);
  await refused([{ start: 3, end: 4, type: "PER" }], /valid\.ndjson:2.*3\.\.4 holds no word/);
  await refused(
    [
      { start: 0, end: 3, type: "PER" },
      { start: 1, end: 5, type: "LOC" },
    ],
    /two labels share the word "Ada"/,
  );
});
