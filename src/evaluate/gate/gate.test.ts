import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { evaluateCommand } from "../../cli/evaluate.ts";
import { type Asked, gainCurveSchema } from "../../gate/index.ts";
import { mulberry32 } from "../../score/index.ts";
import type { Report } from "../index.ts";
import { sweep } from "./sweep.ts";

// Each call would add listeners to this process.
vi.mock("../../cli/signals.ts", () => ({ stopOnSignals: () => new AbortController().signal }));

const tagger = fileURLToPath(new URL("../../../test/fixtures/evaluate/tagger-capitals.ts", import.meta.url));
let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evaluate-gate-"));
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

/** Two posts that knowledge mends, two that it leaves alone. */
const config = (stages: readonly string[]) => {
  file("valid.txt", "Kate\tB-PER\nin\tO\nParis\tB-LOC\n\nBob\tB-PER\n\nno\tO\n\nOslo\tB-LOC\n");
  file("z.txt", "Kate\tB-PER\nin\tO\nParis\tB-LOC\n<EOS>\tX\nParis\tX\n\nOslo\tB-LOC\n<EOS>\tX\nOslo\tX\n");
  return file(
    "score.yaml",
    `resources: { tagger: { use: ${tagger}, options: { model: x } } }
stages: [${stages.join(", ")}]
evaluate: { data: { path: valid.txt, knowledge: z.txt } }
`,
  );
};
const whole = ["{ use: draft }", "{ use: gate, options: { mode: never } }", "{ use: final }"];

describe("starling evaluate --gate", () => {
  test("compares drafts and last taggings of all posts, whatever the config's gate says", async () => {
    await run(config(whole), "--gate", "--json");
    const { gate, draft, f1 } = JSON.parse(out) as Report;
    expect(gate).toMatchObject({ posts: 4, draft: 50, final: 100, gain: 50 });
    expect(draft).toMatchObject({ f1: 50, of: { text: 4 } });
    expect(f1).toBe(100);
    expect(gate?.shares[0]).toMatchObject({ share: 0, asked: 0, f1: 50, kept: 0 });
    expect(gate?.shares.at(-1)).toMatchObject({ share: 100, asked: 100, f1: 100, kept: 100 });
  });

  test("prints both tables", async () => {
    await run(config(whole), "--gate");
    expect(out).toMatch(/moves F1 from 50\.00 to 100\.00 \(\+50\.00\)/);
    expect(out).toMatch(/share +asked +F1 +kept\n +0% +0\.0% +50\.00 +0%\n/);
    expect(out).toMatch(/cost +asked +F1 +kept\n/);
  });

  test("draws the curve as SVG or as a page, and writes what a gate reads", async () => {
    const [svg, html, saved] = ["a.svg", "a.html", "gate.json"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await run(config(whole), "--gate", "--plot", svg, "--save", saved);
    await run(config(whole), "--gate", "--plot", html);
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg [\s\S]*<polyline points="(?:[\d.]+,[\d.]+ ?){21}"/);
    expect(readFileSync(html, "utf8")).toMatch(/^<!doctype html>[\s\S]*<svg /);
    expect(gainCurveSchema.parse(JSON.parse(readFileSync(saved, "utf8")))).toMatchObject({
      model: "capitals-1",
      posts: 4,
    });
  });

  test("without it, a config that drafts tells what its drafts are worth", async () => {
    await run(config(whole));
    expect(out).toContain("Before anything was asked F1 was 50.00 (drafts of text: 4).");
  });

  test("is refused where a stage is missing", async () => {
    await expect(run(config(["{ use: draft }", "{ use: final }"]), "--gate")).rejects.toMatchObject({
      code: "EVALUATE_GATE",
      details: { fact: "ask" },
    });
  });

  test.each([
    [["--plot", "a.svg"], /--plot goes with --gate/],
    [["--save", "a.json"], /--save goes with --gate/],
    [["--gate", "--plot", "a.png"], /neither \.svg nor \.html/],
  ])("%j is refused", async (flags, message) => {
    await expect(run(config(whole), ...flags)).rejects.toThrow(message);
  });
});

describe("the sweep", () => {
  /** Knowledge mends posts the more often the more they doubt; among the surest it breaks some. */
  const posts = (seed: number) => {
    const random = mulberry32(seed);
    return Array.from({ length: 2000 }, (): Asked => {
      const doubt = random();
      const right = random() > doubt;
      const draft = { correct: right ? 1 : 0, predicted: 1, gold: 1 };
      const final = random() < (right ? 0.05 : 0.7) ? { ...draft, correct: right ? 0 : 1 } : draft;
      return { doubt, draft, final };
    });
  };

  test("asks about the share that it is told, of posts that it was not fitted to", () => {
    for (const { share, asked } of sweep(posts(1)).shares) expect(asked).toBeCloseTo(share, 1.5);
  });

  test("keeps most of the gain with half of the posts, where doubt tells which", () => {
    const half = sweep(posts(2)).shares.find(({ share }) => share === 0.5);
    expect(half?.kept).toBeGreaterThan(0.7);
  });

  test("a cost of nothing asks about no post that is expected to lose", () => {
    const { costs, final } = sweep(posts(3));
    expect(costs[0]!.asked).toBeLessThan(1);
    expect(costs[0]!.f1).toBeGreaterThan(final);
  });

  test("the same seed gives the same sweep", () => {
    expect(sweep(posts(4), { seed: 2 })).toEqual(sweep(posts(4), { seed: 2 }));
  });

  test("where knowledge brings nothing, there is nothing to keep", () => {
    const same = posts(5).map((post) => ({ ...post, final: post.draft }));
    expect(sweep(same).shares.every(({ kept }) => kept === null)).toBe(true);
  });
});
