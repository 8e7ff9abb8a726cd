// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { showProblem } from "./problem.ts";
import { configSchema } from "./schema.ts";
import { parseConfigText } from "./text.ts";
import { validate } from "./validate.ts";

function problems(source: string, schema: z.ZodType = configSchema, env = {}): string[] {
  const text = parseConfigText(source, "x.yaml", env);
  return validate(schema, text.value, text, []).problems.map(showProblem);
}

describe("validate", () => {
  test("accepts the shortest config, and fills in defaults", () => {
    const text = parseConfigText("stages: [{ use: draft }]\n", "x.yaml", {});
    expect(validate(configSchema, text.value, text, [])).toMatchObject({
      value: {
        window: 512,
        stages: [{ use: "draft", batch: 1, waitMs: 0, concurrency: 1, onFail: "divert", options: {} }],
      },
    });
  });

  test("names an unknown key's place and the nearest known name", () => {
    expect(problems("window: 4\nstages:\n  - use: draft\n    bacth: 2\n")).toEqual([
      'x.yaml:4:5: nothing reads the key "bacth"; did you mean "batch"? [CONFIG_KEY_UNKNOWN]',
    ]);
  });

  test("looks for known names in records, arrays and unions", () => {
    const schema = z.strictObject({
      models: z.record(z.string(), z.array(z.union([z.string(), z.strictObject({ folder: z.string() })]))),
    });
    expect(problems("models: { a: [{ foldr: x }] }\n", schema)).toContain(
      'x.yaml:1:17: nothing reads the key "foldr"; did you mean "folder"? [CONFIG_KEY_UNKNOWN]',
    );
  });

  test("says which key is missing, and where", () => {
    expect(problems("stages:\n  - batch: 2\n")).toEqual([
      'x.yaml:2:5: the key "use" is missing; add "use: <string>" [CONFIG_KEY_MISSING]',
    ]);
  });

  test("explains wrong types and values", () => {
    expect(problems("window: many\nstages:\n  - { use: draft, onFail: skp, batch: 0 }\n")).toEqual([
      "x.yaml:1:9: window: expected number, received string [CONFIG_VALUE]",
      "x.yaml:3:39: stages[0].batch: Too small: expected number to be >0 [CONFIG_VALUE]",
      'x.yaml:3:27: stages[0].onFail: "skp" is not one of skip, divert, stop; did you mean "skip"? [CONFIG_VALUE]',
    ]);
  });

  test("refuses an empty file and a list", () => {
    expect(problems("")).toEqual([expect.stringContaining("x.yaml:1:1: the config: expected object, received null")]);
    expect(problems("- 1\n")).toEqual([expect.stringContaining("expected object, received array")]);
  });

  test("reports all problems at once", () => {
    expect(problems("windw: 1\nwindow: -1\nstages: [{}, { use: 1 }]\n")).toHaveLength(4);
  });
});

describe("a lone placeholder", () => {
  const schema = z.strictObject({ n: z.int(), on: z.boolean(), s: z.string() });

  test("is a number or a switch where the schema wants one, and else text", () => {
    const text = parseConfigText("n: ${N}\non: '${ON}'\ns: ${N}\n", "x.yaml", { N: "512", ON: "true" });
    expect(validate(schema, text.value, text, [])).toMatchObject({ value: { n: 512, on: true, s: "512" } });
  });

  test.each([
    ["n: ${N}\non: true\ns: x\n", "many"],
    ["n: 1${N}\non: true\ns: x\n", "2"],
    ["n: ${N:-}\non: true\ns: x\n", ""],
  ])("stays text when it is no number, or not alone: %j", (source, N) => {
    expect(problems(source, schema, { N })).toEqual([expect.stringContaining("x.yaml:1:4: n: expected ")]);
  });
});
