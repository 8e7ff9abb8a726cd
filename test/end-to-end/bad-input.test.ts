import { existsSync, readFileSync } from "node:fs";
import { cp, readFile, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { deadLetterSchema } from "../../src/schema/dead-letter.ts";
import { eventSchema } from "../../src/schema/event.ts";
import { configFile, freshFolder, plugin, root, starling, tinyConfig } from "./starling.ts";

const encoders = join(root, "test/fixtures/encoders");
/** The tagger of `model` from posts.ndjson beside the config. */
const configOf = (model: string, stages = "") =>
  tinyConfig({ source: "{ use: source-file, options: { path: posts.ndjson } }", stages })
    .replace(/use: "[^"]*tiny-tagger.ts"/, `use: tagger-onnx, options: { model: "${model}", processes: 1 }`)
    .replace("append: true", "append: false");

test("each bad post is told, counted and kept with its bytes; the others are answered", async () => {
  const long = "Ada Lovelace went to Paris. ".repeat(4000).slice(0, 100_000);
  const good = [
    '{"id":"a","text":"Ada"}',
    JSON.stringify({ id: "long", text: long }),
    '{"id":"s","text":"A \\ud800 b"}',
  ];
  const bad = [
    ['{"id":"1","text":', "POST_NOT_JSON", /posts\.ndjson line 2, column 18: not JSON/],
    ['{"id":1,"text":"a"}', "POST_INVALID", /line 3: id: expected string, received number/],
    ['{"id":"3","text":["a"]}', "POST_INVALID", /line 4: text: expected string, received array/],
    ['{"id":"4"}', "POST_INVALID", /line 5: text: is missing/],
    ['{"id":"5","text":""}', "POST_INVALID", /line 6: text: is empty/],
    [
      '{"id":"6","text":"a","images":[{"src":"none.png"}]}',
      "IMAGE_UNREADABLE",
      /line 7: image 0: .*none\.png does not exist/,
    ],
    [
      '{"id":"7","text":"a","images":[{"src":"note.png"}]}',
      "IMAGE_UNREADABLE",
      /line 8: image 0: .*note\.png is not an image/,
    ],
    ["[]", "POST_INVALID", /line 9: post: expected object, received array/],
  ] as const;
  const config = configFile(configOf(join(encoders, "bert-onnx")));
  const folder = dirname(config);
  await writeFile(join(folder, "note.png"), "not a picture");
  await writeFile(
    join(folder, "posts.ndjson"),
    [good[0], ...bad.map(([line]) => line), ...good.slice(1), ""].join("\n"),
  );

  const { code, stdout, stderr } = await starling(["run", config]);
  expect(code).toBe(0);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => eventSchema.parse(JSON.parse(line)));
  expect(events.map(({ postId }) => postId).toSorted()).toEqual(["a", "long", "s"]);
  for (const event of events) expect(JSON.stringify(event).isWellFormed()).toBe(true);

  const place = join(folder, "letters.ndjson");
  const letters = readFileSync(place, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => deadLetterSchema.parse(JSON.parse(line)));
  expect(letters.map(({ code, reason, bytes }) => [Buffer.from(bytes, "base64").toString(), code, reason])).toEqual(
    bad.map(([line, code, reason]) => [line, code, expect.stringMatching(reason)]),
  );
  expect(stderr).toBe(
    `11 posts read, 3 answered, 8 dead-lettered to ${place} (source: POST_NOT_JSON 1, POST_INVALID 5, IMAGE_UNREADABLE 2)\n`,
  );
}, 60_000);

describe("a model that will not do never starts", () => {
  const change = async (file: string, by: (bytes: Buffer) => unknown) => {
    const bytes = await readFile(file);
    by(bytes);
    await writeFile(file, bytes);
  };
  const shipped = join(root, "models/default");
  test.each<[string, string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      "cut off",
      shipped,
      (folder) => truncate(join(folder, "model.int8.onnx"), 1_000_000),
      /config\.yaml:4:\d+: model\.int8\.onnx in .* has 1000000 bytes instead of \d+: it is cut off.*\[MANIFEST_MISMATCH\]/,
    ],
    [
      "other than its manifest says",
      shipped,
      (folder) => change(join(folder, "model.int8.onnx"), (bytes) => bytes.write("starling", bytes.length >> 1)),
      /model\.int8\.onnx in .* has other contents than when it was saved.*\[PLUGIN_OPEN_FAILED: MANIFEST_MISMATCH\]/,
    ],
    [
      "with the tokenizer of another",
      join(encoders, "bert"),
      (folder) => cp(join(encoders, "roberta/tokenizer.json"), join(folder, "tokenizer.json")),
      /tokenizer\.json does not fit the model: .* 320 rows; copy the tokenizer\.json .*TOKENIZER_MISMATCH\]/,
    ],
    [
      "with weights that are no numbers",
      join(encoders, "bert"),
      (folder) =>
        change(join(folder, "model.safetensors"), (bytes) => bytes.writeFloatLE(Number.NaN, bytes.length - 400)),
      /weight \d+ of ".*" is not a finite number at .*; fetch the model again .*NOT_A_NUMBER\]/,
    ],
  ])("%s", async (_, model, spoil, message) => {
    const folder = join(freshFolder(), "model");
    await cp(model, folder, { recursive: true });
    await spoil(folder);
    const config = configFile(configOf(folder));
    await writeFile(join(dirname(config), "posts.ndjson"), '{"id":\n{"id":"a","text":"Ada"}\n');
    const { code, stdout, stderr } = await starling(["run", config]);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(message)]);
    expect(existsSync(join(dirname(config), "letters.ndjson"))).toBe(false);
  });
});

test("a plugin of another API version never starts, and the message says what to install", async () => {
  const config = configFile(tinyConfig({ stages: "  - { use: ./old.mjs }" }));
  await writeFile(join(dirname(config), "old.mjs"), 'export default { api: 7, kind: "stage", name: "old" };');
  const { code, stdout, stderr } = await starling(["run", config], { input: '{"id":"a","text":"Ada"}' });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /config\.yaml:7:12: \.\/old\.mjs was made for plugin API 7, and this is API 1; install .*\[PLUGIN_API\]/,
  );
});

test("a stage that never answers loses its post to the dead letters, and once every slot hangs ends the run", async () => {
  const stage = `  - { use: "${plugin("odd-stage")}", concurrency: 2, timeoutMs: 300, options: { never: true } }`;
  const config = configFile(tinyConfig({ stages: stage }));
  const posts = Array.from({ length: 4 }, (_, i) => JSON.stringify({ id: `${i}`, text: "Ada" })).join("\n");
  const { code, stdout, stderr } = await starling(["run", config], { input: posts });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/odd-stage: all 2 slots are taken .* raise its concurrency or timeoutMs .*\[STAGE_STUCK\]/);
  const letters = readFileSync(join(dirname(config), "letters.ndjson"), "utf8")
    .trimEnd()
    .split("\n");
  expect(letters.map((line) => (JSON.parse(line) as { code: string }).code)).toEqual([
    "STAGE_TIMEOUT",
    "STAGE_TIMEOUT",
  ]);
});
