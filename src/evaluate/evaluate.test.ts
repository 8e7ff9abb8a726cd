import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { evaluateCommand } from "../cli/evaluate.ts";
import type { OpenStage } from "../flow/types.ts";
import { fail, type Outcome, ok } from "../outcome.ts";
import { evaluate, type Report } from "./index.ts";

const tagger = fileURLToPath(new URL("../../test/fixtures/evaluate/tagger-capitals.ts", import.meta.url));
const gold =
  "IMGID:1\nKate\tB-PER\nin\tO\nParis\tB-LOC\n\nIMGID:2\nbig\tB-OTHER\nOscar\tI-OTHER\n\nIMGID:3\nHello\tO\n\nIMGID:4\nno\tO\nBob\tI-PER\n";

// Each call would add listeners to this process.
vi.mock("../cli/signals.ts", () => ({ stopOnSignals: () => new AbortController().signal }));

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evaluate-"));
  out = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const run = (...args: string[]) => evaluateCommand().exitOverride().parseAsync(args, { from: "user" });
const score = async (...args: string[]): Promise<Report> => {
  await run("--model", folder, "--tagger", tagger, "--json", ...args);
  return JSON.parse(out.trimEnd().split("\n").at(-1)!) as Report;
};

describe("with a model folder and a data file", () => {
  test("scores exact spans, 0 to 100, with types named as the model names them", async () => {
    // Said: Kate PER, Paris PER (gold LOC), Oscar PER (gold "big Oscar"), Hello PER (no gold), Bob PER.
    const told = await score("--data", file("valid.txt", gold));
    expect(told).toMatchObject({ posts: 4, entities: 4, precision: 40, recall: 50, strays: 1, model: "capitals-1" });
    expect(told.f1).toBeCloseTo(44.4444, 3);
    expect(told.types).toMatchObject({
      LOC: { f1: 0, support: 1 },
      MISC: { recall: 0, support: 1 },
      PER: { precision: 40, recall: 100, support: 2 },
    });
    expect(told.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(told.entityFree).toEqual({ posts: 1, flagged: 1, rate: 1 });
    expect(told.interval.low).toBeLessThanOrEqual(told.f1);
    expect(told.interval.high).toBeGreaterThanOrEqual(told.f1);
  });

  test("f1Strict leaves stray I- tags out of the gold", async () => {
    // One correct of five said and three marked: 2 * 1 / 8.
    expect((await score("--data", file("valid.txt", gold))).f1Strict).toBe(25);
  });

  test("--train parts seen from unseen entities", async () => {
    const train = file("train.txt", "kate\tB-PER\n");
    expect(await score("--data", file("valid.txt", gold), "--train", train)).toMatchObject({
      seen: { recall: 100, support: 1 },
      unseen: { support: 3 },
    });
  });

  test("--knowledge makes the input [T; Z]", async () => {
    const knowledge = file("pgim.txt", "Kate\tB-PER\nin\tO\nParis\tB-LOC\n<EOS>\tX\nParis\tX\n");
    const told = await score("--data", file("valid.txt", gold), "--knowledge", knowledge);
    expect(told.types.LOC).toMatchObject({ f1: 100 });
    expect(told.without.knowledge).toBe(3);
  });

  test("posts with labels are split into words as a service splits them", async () => {
    const post = { id: "1", text: "hi,Kate!", labels: [{ start: 3, end: 7, type: "PER" }] };
    expect(await score("--data", file("posts.ndjson", JSON.stringify(post)))).toMatchObject({ f1: 100, posts: 1 });
  });

  test("prints a table for people", async () => {
    await run("--model", folder, "--tagger", tagger, "--data", file("valid.txt", gold));
    expect(out).toMatch(/^all +40\.00 +50\.00 +44\.44 +4$/m);
    expect(out).toContain("1 stray I- tags in the data open a mention");
    expect(out).toContain("1 of 1 posts without entities were given one.");
  });
});

describe("with a config", () => {
  const config = (section: string) =>
    file(
      "score.yaml",
      `resources:\n  tagger: { use: "${tagger}", options: { model: x } }\nstages:\n  - { use: draft, batch: 2 }\n  - { use: final, batch: 3, concurrency: 2 }\n${section}`,
    );

  test("runs the config's own stages; paths start at the config", async () => {
    file("valid.txt", gold);
    await run(config("evaluate:\n  data: { path: valid.txt }\n  bootstrap: { rounds: 20 }\n"), "--json");
    expect(JSON.parse(out)).toMatchObject({ recall: 50, precision: 40, model: "capitals-1", failed: 0 });
  });

  test("names the place of an unknown key, and a missing section", async () => {
    await expect(run(config("evaluate:\n  data: { path: a, formatt: conll }\n"))).rejects.toThrow(
      /score\.yaml:7:\d+:.*formatt/s,
    );
    await expect(run(config(""))).rejects.toThrow(/evaluate/);
  });

  test("asks whose types hold where there are several taggers", async () => {
    file("valid.txt", gold);
    const two = `resources:\n  a: { use: "${tagger}", options: { model: x } }\n  b: { use: "${tagger}", options: { model: x } }\nstages: [{ use: final, options: { tagger: a } }]\n`;
    const choosing = (name: string) => file("two.yaml", `${two}evaluate: { data: { path: valid.txt }${name} }\n`);
    await expect(run(choosing(""), "--json")).rejects.toThrow(/several taggers \(a, b\)/);
    await run(choosing(", tagger: b"), "--json");
    expect(JSON.parse(out)).toMatchObject({ recall: 50 });
  });

  test("refuses options that belong into the config", async () => {
    await expect(run(config(""), "--data", "x")).rejects.toThrow(/--data goes without a config/);
  });
});

describe("refuses", () => {
  test("data that was trained on: the same, or more than half of it", async () => {
    const data = file("valid.txt", gold);
    const again = file("again.txt", gold.replaceAll("\n", "\r\n"));
    await expect(score("--data", data, "--train", again)).rejects.toMatchObject({ code: "DATA_SHARED" });
    const most = file("most.txt", `${gold.split("IMGID:4")[0]}IMGID:9\nelse\tO\n`);
    await expect(score("--data", data, "--valid", most)).rejects.toThrow("share 75% of their samples");
  });

  test("types that are neither the model's nor in its label map", async () => {
    const data = file("valid.txt", "Pizza\tB-FOOD\nBob\tB-PER\n");
    await expect(score("--data", data)).rejects.toThrow(/types FOOD, .*\(LOC, MISC, PER\)/);
  });

  test.each([
    ["a broken line", "Kate B-PER\n", "DATA_MALFORMED"],
    ["an illegal tag", "Kate\tS-PER\n", "DATA_MALFORMED"],
    ["nothing in it", "", "DATA_EMPTY"],
  ])("a file: %s", async (_, text, code) => {
    await expect(score("--data", file("bad.txt", text))).rejects.toMatchObject({ code });
  });

  test.each([
    ["{", /bad\.ndjson:1: /],
    ['{"id":"1"}', /bad\.ndjson:1: text: /],
    ['{"id":"1","text":"ab","labels":[{"start":1,"end":9,"type":"PER"}]}', /bad\.ndjson:1: labels\.0: .*not inside/],
    ['{"id":"1","text":"ab"}', /holds no posts with labels/],
  ])("posts such as %s", async (line, message) => {
    await expect(score("--data", file("bad.ndjson", line))).rejects.toThrow(message);
  });

  test("a missing file, and a call that names too little", async () => {
    await expect(score("--data", join(folder, "none.txt"))).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
    await expect(run("--model", folder)).rejects.toMatchObject({ code: "USAGE" });
    await expect(score("--data", file("valid.txt", gold), "--rounds", "x")).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("posts that a stage fails on", () => {
  const labelled = ["Bob", "Eve"].map((text) => ({
    post: { id: text, text },
    gold: [{ start: 0, end: 3, type: "PER" }],
    goldStrict: [],
    captions: [],
    knowledge: "",
  }));
  const set = { file: "x", posts: labelled, fingerprint: "", strays: 0, without: { knowledge: 0, captions: 0 } };
  const failing = (fails: (text: string) => boolean): OpenStage => ({
    name: "final",
    plugin: { name: "final", needs: [], uses: [], gives: ["tagging"] },
    flow: { batch: 1, waitMs: 0, concurrency: 1, timeoutMs: 1000, onFail: "divert" },
    stage: {
      run: async (batch) =>
        batch.map(({ post }) => {
          if (fails(post.text)) return fail(new Error("no"));
          const mentions = [{ start: 0, end: 1, type: "PER", confidence: 1 }];
          const tagging = { mentions, expected: { correct: 1, gold: 1 }, context: "text" as const, model: "m" };
          return ok({ tagging }) as Outcome<never>;
        }),
    },
  });
  const signal = new AbortController().signal;

  test("count as posts without a prediction, and are told", async () => {
    const stages = [failing((text) => text === "Eve")];
    const told = await evaluate(set, { stages, signal });
    expect(told.failed).toBe(1);
    expect(told.score.micro).toEqual({ correct: 1, predicted: 1, gold: 2 });
  });
  test("give no score when they are all", async () => {
    await expect(evaluate(set, { stages: [failing(() => true)], signal })).rejects.toThrow(
      /none of the 2 posts of x .* final: no/,
    );
  });
});
