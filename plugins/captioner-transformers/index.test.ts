import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Image, View } from "starling-ner";
import { type Test, testHost, testStage } from "starling-ner/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import captioner from "./index.ts";
import { LIBRARY, locateLibrary } from "./library.ts";
import { writeTinyModel } from "./tiny-model.test-help.ts";

/** Whether the package is to be missing, though it may be installed. */
const locate = vi.hoisted(() => ({ missing: false }));
vi.mock("./library.ts", async (load) => {
  const real = await load<typeof import("./library.ts")>();
  const { Fault } = await import("starling-ner");
  const gone = () => {
    throw new Fault("PEER_MISSING", { needer: "captioner-transformers", name: real.LIBRARY, install: real.LIBRARY });
  };
  return { ...real, locateLibrary: (file: string) => (locate.missing ? gone() : real.locateLibrary(file)) };
});

const missing = (() => {
  try {
    locateLibrary(import.meta.filename);
    return "";
  } catch {
    return ` (skipped: ${LIBRARY} is not installed; NODE_PATH may name a folder that has it)`;
  }
})();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "captioner-"));
  await writeTinyModel(join(folder, "acme", "tiny"));
});
afterAll(() => rm(folder, { recursive: true }));

const image = async (name: string): Promise<Image> => ({
  bytes: await readFile(join(import.meta.dirname, `../../examples/pictures/${name}.png`), "base64"),
});
const [bridge, coffee, map] = [await image("bridge"), await image("coffee"), await image("map")];
const view = (id: string, ...images: Image[]): View<never, "captions"> => ({
  post: { id, text: "a", images },
  facts: {},
});
const optionsOf = (change: object = {}) =>
  captioner.options.parse({ model: join(folder, "acme", "tiny"), dtype: "fp32", maxTokens: 8, ...change });
const live = new AbortController().signal;

describe.skipIf(missing)(`with ${LIBRARY}${missing}`, () => {
  testStage({
    test: test as Test,
    plugin: captioner,
    options: async () => optionsOf(),
    batch: [view("1", bridge, coffee), view("2", map)],
    bad: view("3", { bytes: "bm8gaW1hZ2U=" }),
  });

  test("a random model says something of each picture, always the same, and not the same of all", async () => {
    const stage = await captioner.open(optionsOf({ cacheEntries: 0 }), testHost());
    const outcomes = await stage.run([view("1", bridge, coffee, map), view("2", bridge)], live);
    await stage.close?.();
    const [first, second] = outcomes.map((outcome) => (outcome.kind === "ok" ? outcome.value.captions : []));
    expect(first?.map(({ source }) => source)).toEqual(Array(3).fill("captioner-transformers/tiny"));
    expect(first?.every(({ text }) => /^[a-z]+( [a-z]+){3,7}$/.test(text))).toBe(true);
    expect(new Set(first?.map(({ text }) => text)).size).toBe(3);
    expect(second?.[0]?.text).toBe(first?.[0]?.text);
  });

  test("a model of the cache is known by its name", async () => {
    const stage = await captioner.open(optionsOf({ model: "acme/tiny", cache: folder }), testHost());
    expect(await stage.run([view("1", bridge)], live)).toMatchObject([
      { kind: "ok", value: { captions: [{ source: "captioner-transformers/acme/tiny" }] } },
    ]);
    await stage.close?.();
  });

  test("a model that the cache does not have is not looked for elsewhere", async () => {
    const opening = captioner.open(optionsOf({ model: "acme/other", cache: folder }), testHost());
    await expect(opening).rejects.toMatchObject({ code: "MODEL_FILE_INVALID" });
    await expect(opening).rejects.toThrow("set download: true once");
    expect(await readdir(folder)).toEqual(["acme"]);
  });

  test("a precision that the folder does not have is told", async () => {
    await expect(captioner.open(optionsOf({ dtype: "q4" }), testHost())).rejects.toThrow(/tiny.*encoder_model_q4/);
  });
});

test("a folder that is not there is told before anything opens", async () => {
  const refusals =
    (await captioner.check?.(optionsOf({ model: "./none" }), { ...testHost(), reads() {}, writes() {} })) ?? [];
  expect(refusals.at(-1)).toMatchObject({ option: ["model"], error: { code: "MODEL_FILE_MISSING" } });
  await expect(captioner.open(optionsOf({ model: "./none" }), testHost())).rejects.toMatchObject({
    code: "MODEL_FILE_MISSING",
  });
});

test("check tells that the package is missing, before anything opens", async () => {
  locate.missing = true;
  const [refusal] = (await captioner.check?.(optionsOf(), { ...testHost(), reads() {}, writes() {} })) ?? [];
  locate.missing = false;
  expect(refusal).toMatchObject({ option: [], error: { code: "PEER_MISSING" } });
});

test.skipIf(!missing)(
  `without the package it says how to get it${missing ? "" : " (skipped: it is installed)"}`,
  async () => {
    const opening = captioner.open(optionsOf(), testHost());
    await expect(opening).rejects.toMatchObject({ code: "PEER_MISSING" });
    await expect(opening).rejects.toThrow("npm install @huggingface/transformers@^4.3.1");
  },
);
