// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseConfigText, showProblem } from "./config/index.ts";
import type { Builtins } from "./load.ts";
import { checkConfig, planConfig } from "./plan.ts";
import { definePort, defineResource, defineSink, defineSource, defineStage } from "./plugin.ts";

const port = definePort<object>("model@1");
const otherPort = definePort<object>("chat@1");
const none = z.strictObject({});
const names = z.strictObject({ model: z.string().default("m"), size: z.int().optional() });
const about = "for tests";
const run = async () => [];

const plugins = [
  defineSource({ name: "in", about, options: none, open: async () => ({ async *read() {} }) }),
  defineSink({
    name: "out",
    about,
    options: z.strictObject({ path: z.string().optional() }),
    open: async () => ({ write: run }),
  }),
  defineResource({ name: "model", about, options: none, fills: port, open: async () => ({}) }),
  defineResource({
    name: "cached",
    about,
    options: z.strictObject({ of: z.string() }),
    fills: port,
    borrows: ({ of }) => [{ port, name: of }],
    open: async () => ({}),
  }),
  defineResource({ name: "chat", about, options: none, fills: otherPort, open: async () => ({}) }),
  defineStage({
    name: "drafter",
    about,
    options: names,
    gives: ["draft"],
    borrows: ({ model }) => [{ port, name: model }],
    open: async () => ({ run }),
  }),
  defineStage({ name: "gate", about, options: none, needs: ["draft"], gives: ["ask"], open: async () => ({ run }) }),
];
const builtins: Builtins = Object.fromEntries(
  plugins.map((plugin) => [plugin.name, async () => ({ default: plugin })]),
);

const ends = "source: { use: in }\nsink: { use: out }\ndeadLetters: { use: out }\n";
const good = `${ends}resources:\n  m: { use: model }\nstages:\n  - { use: drafter }\n  - { use: gate }\n`;
const check = async (source: string, env = {}) => checkConfig(parseConfigText(source, "x.yaml", env), { builtins });
const problems = async (source: string, env = {}) => (await check(source, env)).problems.map(showProblem);

describe("checkConfig", () => {
  test("plans a config that is in order", async () => {
    const { plan, problems, warnings } = await check(good);
    expect([problems, warnings]).toEqual([[], []]);
    expect(plan?.stages.map(({ name, options }) => [name, options])).toEqual([
      ["drafter", { model: "m" }],
      ["gate", {}],
    ]);
  });

  test("puts resources in the order in which they open", async () => {
    const source = good.replace("  m: { use: model }", "  m: { use: cached, options: { of: a } }\n  a: { use: model }");
    expect((await check(source)).plan?.resources.map(({ name }) => name)).toEqual(["a", "m"]);
  });

  test("says where an option of a plugin is wrong", async () => {
    expect(await problems(good.replace("{ use: drafter }", "{ use: drafter, options: { modl: m } }"))).toEqual([
      'x.yaml:7:32: nothing reads the key "modl"; did you mean "model"? [CONFIG_KEY_UNKNOWN]',
    ]);
  });

  test("refuses a wrong order, naming fact, stage and giver", async () => {
    expect(await problems(`${ends}stages:\n  - { use: gate }\n`)).toEqual([
      'x.yaml:5:5: gate needs "draft", which no earlier stage gives; put drafter before it [FACT_MISSING]',
    ]);
  });

  test("refuses a resource that is not there, at the option that names it", async () => {
    expect(await problems(good.replace("{ use: drafter }", "{ use: drafter, options: { model: n } }"))).toEqual([
      expect.stringMatching(/^x.yaml:7:39: drafter borrows "n".*did you mean "m"\? \[RESOURCE_UNKNOWN\]$/),
    ]);
  });

  test("refuses a resource that fills another port", async () => {
    expect(await problems(good.replace("use: model", "use: chat"))).toEqual([
      expect.stringMatching(/^x.yaml:7:5: drafter wants "m" to fill model@1, and it fills chat@1.*\[RESOURCE_PORT\]$/),
    ]);
  });

  test("refuses resources that borrow each other in a circle", async () => {
    const circle = "  m: { use: cached, options: { of: n } }\n  n: { use: cached, options: { of: m } }";
    expect(await problems(good.replace("  m: { use: model }", circle))).toEqual([
      expect.stringMatching(/^x.yaml:5:3: .*circle: m, n.*\[RESOURCE_CYCLE\]$/),
    ]);
  });

  test("refuses two stages of one name", async () => {
    const twice = good.replace("{ use: gate }", "{ use: gate, name: drafter }");
    expect(await problems(twice)).toEqual([expect.stringMatching(/^x.yaml:8:5: .*\[STAGE_NAME_TWICE\]$/)]);
  });

  test("asks for source, sink and deadLetters where the config is to run", async () => {
    const source = good.slice(ends.length);
    expect(await problems(source)).toEqual([
      expect.stringMatching(/"source" is missing/),
      expect.stringMatching(/"sink" is missing/),
      expect.stringMatching(/"deadLetters" is missing/),
    ]);
    const text = parseConfigText(source, "x.yaml", {});
    expect((await checkConfig(text, { builtins, toRun: false })).problems).toEqual([]);
  });

  test("reports problems of every sort at once, and throws them as one fault", async () => {
    const bad =
      "windo: 1\nsource: { use: nobody }\nsink: { use: out, options: { pth: x } }\ndeadLetters: { use: '${NO}' }\n";
    const codes = (await check(bad)).problems.map(({ code }) => code);
    expect(codes.toSorted()).toEqual(["CONFIG_KEY_UNKNOWN", "CONFIG_KEY_UNKNOWN", "ENV_MISSING", "PLUGIN_NOT_FOUND"]);
    await expect(planConfig(parseConfigText(bad, "x.yaml", {}), { builtins })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/^x.yaml has 4 problems:\n {2}x.yaml:1:1: .*\n {2}x.yaml:2:16: /),
    });
  });

  test("still judges the stages together where something else is wrong", async () => {
    const codes = (await check(`window: 0\n${good.replace("{ use: drafter }", "{ use: gate, name: first }")}`))
      .problems;
    expect(codes.map(({ code }) => code)).toEqual(["CONFIG_VALUE", "FACT_MISSING", "FACT_MISSING", "FACT_TWICE"]);
  });

  test("warns of a window that batches cannot fill", async () => {
    const { plan, warnings } = await check(
      `window: 7\n${good.replace("use: gate", "use: gate, batch: 4, concurrency: 2")}`,
    );
    expect(plan).toBeDefined();
    expect(warnings).toMatchObject([
      { code: "WINDOW_SMALL", line: 1, column: 9, message: expect.stringContaining("9") },
    ]);
  });

  test("warns of a resource that nobody borrows", async () => {
    const { warnings } = await check(good.replace("  m: { use: model }", "  m: { use: model }\n  n: { use: model }"));
    expect(warnings).toMatchObject([{ code: "RESOURCE_UNUSED", line: 6, column: 3 }]);
  });

  test("checks the sections for training and scoring", async () => {
    const codes = (await check(`${good}train: { nonsense: 1 }\nevaluate: { nonsense: 1 }\n`)).problems.map(showProblem);
    expect(codes).toContainEqual(expect.stringMatching(/^x.yaml:9:10: nothing reads the key "nonsense"/));
    expect(codes).toContainEqual(expect.stringMatching(/^x.yaml:10:13: nothing reads the key "nonsense"/));
  });

  test("never shows a secret in a problem", async () => {
    const source = good.replace("{ use: drafter }", "{ use: drafter, options: { model: '${API_KEY}' } }");
    const text = parseConfigText(source, "x.yaml", { API_KEY: "sk-secret" });
    const fault = await planConfig(text, { builtins }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining('borrows "${API_KEY}"') });
    expect(JSON.stringify([fault, String(fault)])).not.toContain("sk-secret");
  });
});
