// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseConfigText, showProblem } from "./config/index.ts";
import { Fault } from "./errors.ts";
import type { Builtins } from "./load.ts";
import { checkConfig, planConfig } from "./plan.ts";
import { type CheckHost, definePort, defineResource, defineSink, defineSource, defineStage } from "./plugin.ts";

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
  defineStage({
    name: "asker",
    about,
    options: none,
    uses: ["ask"],
    gives: ["knowledge"],
    open: async () => ({ run }),
  }),
  defineStage({
    name: "waiter",
    about,
    options: z.strictObject({ deadlineMs: z.int() }),
    gives: ["knowledge"],
    limits: ({ deadlineMs }) => ({ deadlineMs }),
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

  test("judges what is known of borrowing and order where a resource and a stage have something wrong", async () => {
    const source = good
      .replace("  m: { use: model }", "  m: { use: modle }\n  c: { use: chat, options: { no: 1 } }")
      .replace("  - { use: drafter }", "  - { use: drafter }\n  - { use: drafter, name: b, options: { model: c } }")
      .replace("  - { use: gate }", "  - { use: drafter, name: c, options: { model: n } }\n  - { use: gate, name: b }");
    const codes = (await check(source)).problems.map(({ code, line }) => [line, code]);
    expect(codes.toSorted()).toEqual([
      [10, "FACT_TWICE"],
      [10, "RESOURCE_UNKNOWN"],
      [11, "STAGE_NAME_TWICE"],
      [5, "PLUGIN_NOT_FOUND"],
      [6, "CONFIG_KEY_UNKNOWN"],
      [9, "FACT_TWICE"],
      [9, "RESOURCE_PORT"],
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

  test("warns of a stage that uses what only a later one gives", async () => {
    const [late, right] = ["  - { use: asker }\n  - { use: gate }\n", "  - { use: gate }\n  - { use: asker }\n"];
    const { plan, warnings } = await check(good.replace("  - { use: gate }\n", late));
    expect(plan).toBeDefined();
    expect(warnings).toMatchObject([
      {
        code: "FACT_LATE",
        line: 8,
        message: expect.stringMatching(/^asker uses "ask", which only gate behind it gives/),
      },
      { code: "FACT_UNUSED", line: 8, message: expect.stringMatching(/put final behind it$/) },
    ]);
    expect((await check(good.replace("  - { use: gate }\n", right))).warnings).toMatchObject([{ code: "FACT_UNUSED" }]);
  });

  test("warns of a stage that is ended before its own time limit", async () => {
    const codes = async (timeoutMs: number) =>
      (await check(`${good}  - { use: waiter, timeoutMs: ${timeoutMs}, options: { deadlineMs: 2000 } }\n`)).warnings
        .filter(({ code }) => code !== "FACT_UNUSED")
        .map(showProblem);
    expect(await codes(2000)).toEqual([]);
    expect(await codes(1999)).toEqual([
      expect.stringMatching(
        /^x.yaml:9:31: waiter is ended after 1999 ms \(timeoutMs\), before its deadlineMs of 2000 ms/,
      ),
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

  describe("looks at what options name", () => {
    const wants = z.strictObject({
      reads: z.string().optional(),
      writes: z.string().optional(),
      not: z.string().optional(),
    });
    const seen: string[] = [];
    const looking = {
      about,
      options: wants,
      async check({ reads, writes, not }: z.output<typeof wants>, host: CheckHost) {
        seen.push(host.purpose);
        if (reads !== undefined) host.reads(host.resolve(reads), ["reads"]);
        if (writes !== undefined) host.writes(host.resolve(writes), ["writes"]);
        if (not === "thrown") throw new Error("it broke");
        const error =
          not === "words" ? new Error("is not there; make it") : new Fault("INPUT_EMPTY", { input: not ?? "" });
        return not === undefined ? [] : [{ option: ["not"], error }];
      },
    };
    const own: Builtins = {
      ...builtins,
      in: async () => ({
        default: defineSource({ name: "in", ...looking, open: async () => ({ async *read() {} }) }),
      }),
      out: async () => ({ default: defineSink({ name: "out", ...looking, open: async () => ({ write: run }) }) }),
      model: async () => ({
        default: defineResource({ name: "model", ...looking, fills: port, open: async () => ({}) }),
      }),
    };
    const found = async (source: string, options = {}) =>
      (await checkConfig(parseConfigText(source, "x.yaml", {}), { builtins: own, ...options })).problems.map(
        showProblem,
      );
    const model = (not: string) => good.replace("use: model", `use: model, options: { not: ${not} }`);

    test("and points at the option, with the fault's own code or the plugin's own words", async () => {
      expect(await found(model("here"))).toEqual([
        expect.stringMatching(/^x.yaml:5:36: here holds .*\[INPUT_EMPTY\]$/),
      ]);
      expect(await found(model("words"))).toEqual([
        "x.yaml:5:36: resources.m.options.not: is not there; make it [CONFIG_VALUE]",
      ]);
      expect(await found(model("thrown"))).toEqual([
        expect.stringMatching(/^x.yaml:5:29: .*it broke \[CONFIG_VALUE\]$/),
      ]);
    });

    test("and knows what resources foretell, one through another, but not in a circle or from one that is wrong", async () => {
      const options = z.strictObject({ of: z.string().optional(), broken: z.boolean().optional() });
      const asking = (name: string) =>
        defineResource({
          ...{ name, about, options, fills: port },
          borrows: ({ of }) => (of === undefined ? [] : [{ port, name: of }]),
          async foretell({ of, broken }, host) {
            if (broken) throw new Error("no file");
            return of === undefined ? { said: "x" } : { ...(await host.foretold(of)) };
          },
          check: async ({ of }, host) => [
            { option: ["of"], error: new Error(JSON.stringify((of && (await host.foretold(of))) ?? "nothing")) },
          ],
          open: async () => ({}),
        });
      const told = async (resources: string) =>
        (
          await checkConfig(parseConfigText(`resources: ${resources}`, "x.yaml", {}), {
            builtins: { asking: async () => ({ default: asking("asking") }) },
            toRun: false,
          })
        ).problems
          .filter(({ code }) => code === "CONFIG_VALUE")
          .map(({ message }) => message.replace(/^resources\.(\w).*: (.*)$/, "$1 $2"));
      const use = (more: string) => `{ use: asking, options: { ${more} } }`;
      expect(await told(`{ a: ${use("")}, b: ${use("of: a")}, c: ${use("of: b")}, d: ${use("of: b")} }`)).toEqual([
        'a "nothing"',
        'b {"said":"x"}',
        'c {"said":"x"}',
        'd {"said":"x"}',
      ]);
      expect(await told(`{ a: ${use("of: b")}, b: ${use("of: a")} }`)).toEqual(["a {}", "b {}"]);
      expect(await told(`{ a: ${use("broken: true")}, b: ${use("of: a")} }`)).toEqual(['a "nothing"', 'b "nothing"']);
    });

    test("unless it is told not to", async () => {
      expect(await found(model("here"), { look: false })).toEqual([]);
    });

    test("of source and sinks only where the config is to run", async () => {
      const source = good.replace("use: in", "use: in, options: { not: here }");
      expect(await found(source)).toHaveLength(1);
      expect(await found(source, { toRun: false })).toEqual([]);
    });

    test("for training where there is a section for it and the config is not to run", async () => {
      const purposes = async (source: string, options = {}) => {
        seen.length = 0;
        await found(source, options);
        return new Set(seen);
      };
      expect(await purposes(good)).toEqual(new Set(["serve"]));
      expect(await purposes(`${good}train: {}\n`)).toEqual(new Set(["train"]));
      expect(await purposes(`${good}train: {}\n`, { toRun: true })).toEqual(new Set(["serve"]));
      expect(await purposes(`${good}train: {}\n`, { purpose: "serve" })).toEqual(new Set(["serve"]));
    });

    test("and refuses a file that one part writes and another reads or writes, however it is named", async () => {
      const source = (first: string, second: string, third: string) =>
        `source: { use: in, options: { reads: ${first} } }\nsink: { use: out, options: { writes: ${second} } }\n` +
        `deadLetters: { use: out, options: { writes: ${third} } }\n`;
      expect(await found(source("a", "b", "c"))).toEqual([]);
      expect(await found(source("a", "/dev/null", "/dev/null"))).toEqual([]);
      expect(await found(source("a", "./x/../a", "c"))).toEqual([
        expect.stringMatching(/^x.yaml:2:38: sink would write .*\/a, which source reads; .*\[FILE_SHARED\]$/),
      ]);
      expect(await found(source("a", "b", "b"))).toEqual([
        expect.stringMatching(/^x.yaml:3:45: deadLetters would write .*\/b, which sink writes; .*\[FILE_SHARED\]$/),
      ]);
    });

    test("and whether data of the sections is there and what they save can be saved", async () => {
      const set = "{ format: conll, path: none.txt }";
      const source =
        `train:\n  name: x\n  data: { train: [${set}], valid: ${set} }\n` +
        "  checkpoints: { folder: /dev/null/ck }\n  out: /dev\n" +
        "evaluate:\n  data: { path: none.txt, knowledge: none.txt }\n  train: none.txt\n";
      const places = async (options = {}) => (await found(source, options)).map((line) => line.split(": ")[0]);
      const train = ["x.yaml:3:42", "x.yaml:3:85", "x.yaml:4:26", "x.yaml:5:8"];
      const evaluate = ["x.yaml:7:17", "x.yaml:7:38", "x.yaml:8:10"];
      expect((await places()).toSorted()).toEqual([...train, ...evaluate]);
      expect((await places({ toRun: false, purpose: "train" })).toSorted()).toEqual(train);
      expect((await places({ toRun: false, purpose: "train", flags: { out: "--out" } })).toSorted()).toEqual(
        train.slice(0, 3),
      );
      expect((await places({ toRun: false, purpose: "serve" })).toSorted()).toEqual(evaluate);
      expect(await found(source, { look: false })).toEqual([]);
      expect(await found(source)).toContainEqual(
        expect.stringMatching(/\/dev: it holds other files.* \[OUTPUT_FAILED\]$/),
      );
    });

    test("and throws what a flag names, for it has no place in the config", async () => {
      const source = good.replace("use: in", "use: in, options: { not: words }");
      await expect(found(source, { flags: { source: "--input" } })).rejects.toMatchObject({
        code: "PLUGIN_OPEN_FAILED",
        message: "in (--input) could not be opened: is not there; make it",
      });
    });
  });

  test("never shows a secret in a problem", async () => {
    const source = good.replace("{ use: drafter }", "{ use: drafter, options: { model: '${API_KEY}' } }");
    const text = parseConfigText(source, "x.yaml", { API_KEY: "sk-secret" });
    const fault = await planConfig(text, { builtins }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining('borrows "${API_KEY}"') });
    expect(JSON.stringify([fault, String(fault)])).not.toContain("sk-secret");
  });
});
