// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseConfigText } from "./config/index.ts";
import type { Builtins } from "./load.ts";
import { openParts, openPipeline } from "./open.ts";
import { planConfig } from "./plan.ts";
import { definePort, defineResource, defineSink, defineSource, defineStage, type Host } from "./plugin.ts";

const port = definePort<{ model: { version: string } }>("model@1");
const chat = definePort<object>("chat@1");
const about = "for tests";

/** Plugins that write down what happens to them; `broken` throws at opening; `content` is what the stage read from a file. */
function pipelineOf(broken?: string, content?: string) {
  const seen: string[] = [];
  const hosts = new Map<string, Host>();
  const life = async <T>(name: string, host: Host, part: T) => {
    if (name === broken) throw new Error(`${name} has no model`);
    seen.push(`open ${name}`);
    hosts.set(name, host);
    return { ...part, close: async () => void seen.push(`close ${name}`) };
  };
  const options = z.strictObject({ key: z.string().optional(), version: z.string().default("1") });
  const plugins = [
    defineSource({ name: "in", about, options, open: (_, host) => life("in", host, { async *read() {} }) }),
    defineSink({ name: "out", about, options, open: (_, host) => life("out", host, { write: async () => [] }) }),
    defineSink({
      name: "letters",
      about,
      options,
      open: (_, host) => life("letters", host, { write: async () => [] }),
    }),
    defineResource({
      name: "model",
      about,
      options,
      fills: port,
      open: ({ version }, host) => life("model", host, { model: { version } }),
    }),
    defineStage({
      name: "stage",
      about,
      options,
      borrows: () => [{ port, name: "m" }],
      open: (_, host) => life("stage", host, { run: async () => [], ...(content && { version: content }) }),
      gives: [],
    }),
  ];
  const builtins: Builtins = Object.fromEntries(
    plugins.map((plugin) => [plugin.name, async () => ({ default: plugin })]),
  );
  const plan = (change: (source: string) => string = (source) => source, env = {}) =>
    planConfig(parseConfigText(change(config), "x.yaml", env), { builtins });
  return { seen, hosts, plan };
}

const config = `
source: { use: in }
sink: { use: out }
deadLetters: { use: letters }
resources: { m: { use: model, options: { version: "1" } } }
stages: [{ use: stage, batch: 4, waitMs: 2, onFail: skip }]
`;

describe("openPipeline", () => {
  test("opens resources, stages, sinks and the source last, and closes the other way", async () => {
    const { seen, plan } = pipelineOf();
    const pipeline = await openPipeline(await plan());
    expect(seen).toEqual(["open model", "open stage", "open out", "open letters", "open in"]);
    await pipeline.close();
    expect(seen.slice(5)).toEqual(["close in", "close letters", "close out", "close stage", "close model"]);
    await pipeline.close();
    expect(seen).toHaveLength(10);
  });

  test("serves; only who opens the parts to train says so", async () => {
    const { hosts, plan } = pipelineOf();
    const purposes = () => ["model", "stage"].map((name) => hosts.get(name)?.purpose);
    await openPipeline(await plan());
    expect(purposes()).toEqual(["serve", "serve"]);
    await openParts(await plan(), { purpose: "train" });
    expect(purposes()).toEqual(["train", "train"]);
    await openParts(await plan());
    expect(purposes()).toEqual(["serve", "serve"]);
  });

  test("hands over stages with their settings", async () => {
    const pipeline = await openPipeline(await pipelineOf().plan());
    expect(pipeline).toMatchObject({ window: 512, version: expect.stringMatching(/^[0-9a-f]{12}$/) });
    expect(pipeline.stages).toMatchObject([
      { name: "stage", flow: { batch: 4, waitMs: 2, concurrency: 1, timeoutMs: 30_000, onFail: "skip" } },
    ]);
  });

  test("tells a stage whether anything reads what it gives: a feature is for later stages alone", async () => {
    const hosts: Host[] = [];
    const options = z.strictObject({});
    const run = async () => [];
    const giver = defineStage({
      name: "giver",
      about,
      options,
      gives: ["draft", "feature"],
      async open(_, host) {
        hosts.push(host);
        return { run };
      },
    });
    const reader = defineStage({
      name: "reader",
      about,
      options,
      uses: ["feature"],
      gives: [],
      open: async () => ({ run }),
    });
    const builtins: Builtins = { giver: async () => ({ default: giver }), reader: async () => ({ default: reader }) };
    const open = async (names: readonly string[]) => {
      const stages = names.map((use) => `{ use: ${use} }`).join(", ");
      const text = parseConfigText(`stages: [${stages}]`, "x.yaml", {});
      const { stages: opened } = await openParts(await planConfig(text, { builtins, toRun: false }));
      return [opened.find(({ name }) => name === "giver")!.plugin.gives, hosts.at(-1)!.isRead("feature")];
    };
    expect(await open(["giver", "reader"])).toEqual([["draft", "feature"], true]);
    expect(await open(["giver"])).toEqual([["draft"], false]);
    expect(await open(["reader", "giver"]), "one before it does not count").toEqual([["draft"], false]);
    expect(hosts.at(-1)!.isRead("draft")).toBe(true);
  });

  test.each(["model", "stage", "out", "letters", "in"])(
    "closes everything again when %s throws, and names it",
    async (name) => {
      const { seen, plan } = pipelineOf(name);
      await expect(openPipeline(await plan())).rejects.toMatchObject({
        code: "PLUGIN_OPEN_FAILED",
        details: { plugin: name },
        message: expect.stringContaining("has no model"),
      });
      const opened = seen.filter((line) => line.startsWith("open")).map((line) => line.slice(5));
      expect(seen.slice(opened.length)).toEqual(opened.toReversed().map((line) => `close ${line}`));
    },
  );

  test("keeps secrets out of the fault of a plugin that throws", async () => {
    const { plan } = pipelineOf("model");
    const change = (source: string) => source.replace('version: "1"', "key: '${API_KEY}'");
    // The plugin says "model has no model".
    const fault = await openPipeline(await plan(change, { API_KEY: "has no" })).catch((error: unknown) => error);
    expect(fault).toMatchObject({ message: expect.stringContaining("model ${API_KEY} model") });
  });
});

describe("the version of a pipeline", () => {
  const version = async (change?: (source: string) => string, env = {}) =>
    (await openParts(await pipelineOf().plan(change, env))).version;

  test("stays the same for the same config, and for other batch sizes and places", async () => {
    const first = await version();
    expect(await version()).toBe(first);
    expect(await version((source) => source.replace("batch: 4", "batch: 8"))).toBe(first);
    expect(await version((source) => source.replace("use: in", "use: in, options: { key: elsewhere }"))).toBe(first);
  });

  test("changes with models and options", async () => {
    const all = [
      await version(),
      await version((source) => source.replace('"1"', '"2"')),
      await version((source) => source.replace("use: stage", "use: stage, options: { key: x }")),
      await version((source) => source.replace("use: stage", "use: stage, name: other")),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test("changes with what a stage read from its files", async () => {
    const of = async (content?: string) => (await openParts(await pipelineOf(undefined, content).plan())).version;
    expect(new Set([await of(), await of("a"), await of("b")]).size).toBe(3);
    expect(await of("a")).toBe(await of("a"));
  });

  test("does not depend on secrets", async () => {
    const change = (source: string) => source.replace('version: "1"', "key: '${API_KEY}'");
    expect(await version(change, { API_KEY: "one" })).toBe(await version(change, { API_KEY: "two" }));
  });
});

describe("the host", () => {
  test("lends resources by name and port, and refuses others", async () => {
    const { hosts, plan } = pipelineOf();
    await openPipeline(await plan());
    const host = hosts.get("stage")!;
    expect(host.borrow(port, "m").model.version).toBe("1");
    expect(() => host.borrow(chat, "m")).toThrow(expect.objectContaining({ code: "RESOURCE_PORT" }));
    expect(() => host.borrow(port, "n")).toThrow(expect.objectContaining({ code: "RESOURCE_UNKNOWN" }));
  });

  test("resolves paths at the config's folder, and counts under the plugin's name", async () => {
    const { hosts, plan } = pipelineOf();
    const counted: [string, number][] = [];
    await openPipeline(await plan(), { count: (name, by) => void counted.push([name, by]) });
    const host = hosts.get("stage")!;
    host.count("hits");
    host.count("hits", 3);
    expect(counted).toEqual([
      ["stage_hits_total", 1],
      ["stage_hits_total", 3],
    ]);
    expect(host.resolve("model")).toBe(`${process.cwd()}/model`);
    expect(host.resolve("/model")).toBe("/model");
  });
});
