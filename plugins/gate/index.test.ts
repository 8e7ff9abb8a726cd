import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { View } from "starling-ner";
import { testHost, testStage } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import gate from "./index.ts";

/** A draft of `mentions` mentions, of which `wrong` are expected to be wrong. */
const view = (wrong: number): View<"draft"> => {
  const mentions = Array.from({ length: 3 }, (_, i) => ({
    start: i,
    end: i + 1,
    type: "PER",
    confidence: 1 - wrong / 3,
  }));
  const expected = { correct: 3 - wrong, gold: 3 - wrong };
  return {
    post: { id: String(wrong), text: "Ada Bob Cleo" },
    facts: { draft: { mentions, expected, context: "text", model: "m" } },
  };
};
const sure = view(0);
const unsure = view(2);

testStage({
  test,
  plugin: gate,
  options: {},
  batch: [sure, unsure, view(0.1)],
  skip: { "lets one bad post spare the others": "a draft is all it needs, and every draft has an answer" },
});

const file = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), "gate-")), "gate.json");
  writeFileSync(path, text);
  return path;
};
const curve = {
  schema: "starling.gate/1",
  model: "m",
  data: "d",
  posts: 2,
  doubts: [0, 2],
  gains: [0, 4],
  spread: [0, 2],
};
const open = (options: Parameters<typeof gate.options.parse>[0]) => gate.open(gate.options.parse(options), testHost());
const asks = async (options: Parameters<typeof open>[0], ...views: (typeof sure)[]) => {
  const stage = await open(options);
  return views.map((one) => {
    const outcome = stage.quick?.(one);
    return outcome?.kind === "ok" ? outcome.value.ask : undefined;
  });
};

test("its version follows the content of the curve's file, not its name", async () => {
  const version = async (gains: number[]) => (await open({ curve: file(JSON.stringify({ ...curve, gains })) })).version;
  expect(await version([0, 4])).toBe(await version([0, 4]));
  expect(await version([0, 5])).not.toBe(await version([0, 4]));
  expect((await open({})).version).toBeUndefined();
});

describe("mode expected", () => {
  test("asks where the expected gain reaches the cost", async () => {
    const fitted = file(JSON.stringify(curve));
    expect(await asks({ cost: 3, curve: fitted }, sure, view(1), view(1.5), unsure)).toEqual([
      { yes: false, gain: 0, reason: "confident" },
      { yes: false, gain: 2, reason: "confident" },
      { yes: true, gain: 3, reason: "gain" },
      { yes: true, gain: 4, reason: "gain" },
    ]);
  });

  test("by default asks about a draft that doubts itself, and not about one that is sure", async () => {
    expect(await asks({}, sure, unsure)).toMatchObject([{ yes: false }, { yes: true }]);
  });

  test("a share asks about the posts with the most doubt", async () => {
    const views = Array.from({ length: 4000 }, (_, i) => view(((i * 7919) % 1000) / 500));
    const answers = await asks({ share: 0.25 }, ...views);
    const late = answers.slice(2000).map((ask, i) => ({ ask, doubt: Number(views[2000 + i]!.post.id) }));
    expect(late.filter(({ ask }) => ask?.yes).length / 2000).toBeCloseTo(0.25, 2);
    expect(late.filter(({ doubt }) => doubt > 1.55).every(({ ask }) => ask?.yes)).toBe(true);
    expect(late.filter(({ doubt }) => doubt < 1.45).some(({ ask }) => ask?.yes)).toBe(false);
  });
});

test.each(["always", "never"] as const)("mode %s asks accordingly, and still tells the gain", async (mode) => {
  const [first, second] = await asks({ mode }, sure, unsure);
  expect([first, second]).toMatchObject([
    { yes: mode === "always", reason: mode },
    { yes: mode === "always", reason: mode },
  ]);
  expect(second!.gain).toBeGreaterThan(first!.gain);
});

test("counts what was asked and what was not", async () => {
  const host = testHost();
  const stage = await gate.open(gate.options.parse({}), host);
  for (const one of [sure, unsure, unsure]) stage.quick?.(one);
  expect(Object.fromEntries(host.counted)).toEqual({ asked: 2, not_asked: 1 });
});

test("a cost and a share together are refused", () => {
  expect(gate.options.safeParse({ cost: 1, share: 0.5 }).error?.issues[0]?.message).toMatch(/not both/);
});

test.each([
  ["no file", () => join(tmpdir(), "there-is-none.json"), /there is no such file/],
  ["no JSON", () => file("{"), /JSON/],
  ["no curve", () => file(JSON.stringify({ ...curve, gains: [1] })), /gains: one gain for each doubt/],
  ["falling doubts", () => file(JSON.stringify({ ...curve, doubts: [2, 0] })), /doubts: each doubt above/],
])("check tells of a curve that is %s", async (_, make, reason) => {
  const path = make();
  const [refusal] = (await gate.check?.(gate.options.parse({ curve: path }), {
    resolve: (at) => at,
    purpose: "serve",
    reads: () => {},
    foretold: async () => undefined,
    writes: () => {},
  }))!;
  expect(refusal?.option).toEqual(["curve"]);
  expect(refusal?.error.message).toMatch(reason);
  await expect(open({ curve: path })).rejects.toMatchObject({ code: "GATE_FILE_UNREADABLE" });
});
