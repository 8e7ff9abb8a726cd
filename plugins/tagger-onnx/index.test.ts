import { testHost, testTagger } from "starling-ner/testing";
import { describe, expect, test } from "vitest";
import { fixtureFolder } from "./fixture.ts";
import plugin from "./index.ts";
import { openTagger } from "./open-tagger.ts";
import { options } from "./options.ts";

const inputs = [
  { words: ["New", "York", "is", "where", "Ana", "sings", "tonight", "!"], captions: [], knowledge: "" },
  { words: ["goal"], captions: [], knowledge: "" },
  { words: ["RT", "@nasa", "https://t.co/abc"], captions: ["a planet", "a rocket"], knowledge: "Ana is a singer" },
];
const live = new AbortController().signal;

describe.each([
  ["bert", 2],
  ["bert-onnx", 1],
])("%s", (name, processes) => {
  testTagger({ test, plugin, inputs, options: { model: fixtureFolder(name), processes } });
});

test.each(["roberta", "xlm-roberta"])("answers with a small %s", async (name) => {
  const tagger = await openTagger(options.parse({ model: fixtureFolder(name), processes: 1 }), testHost());
  const outcomes = await tagger.tag(inputs, live);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["ok", "ok", "ok"]);
  await tagger.close();
});

test("every post is answered although processes are killed in the middle", async () => {
  const host = testHost();
  const tagger = await openTagger(options.parse({ model: fixtureFolder("bert"), processes: 2 }), host);
  const posts = Array.from({ length: 600 }, (_, i) => inputs[i % inputs.length]!);
  const running = tagger.tag(posts, live);
  // Halted first, with posts in its hands that it cannot answer any more before it is killed.
  process.kill(tagger.pids[0]!, "SIGSTOP");
  setTimeout(() => process.kill(tagger.pids[0]!, "SIGKILL"), 30);
  const outcomes = await running;
  expect(outcomes.filter(({ kind }) => kind === "ok")).toHaveLength(600);
  expect(host.counted.get("processes_lost")).toBe(1);
  await tagger.close();
});

test("counts what it leaves out", async () => {
  const host = testHost();
  const tagger = await openTagger(options.parse({ model: fixtureFolder("bert"), processes: 1, maxSubwords: 16 }), host);
  const long = { words: new Array(400).fill("city"), captions: ["a river"], knowledge: "the singer sings ".repeat(9) };
  const [outcome] = await tagger.tag([long], live);
  expect(outcome?.kind === "ok" && outcome.value.tagging.context).toBe("text");
  expect(host.counted.get("windows")).toBeGreaterThan(2);
  expect(host.counted.get("cut_captions")).toBeGreaterThan(0);
  expect(host.counted.get("cut_knowledge")).toBeGreaterThan(0);
  const cut = host.measured.filter(({ name }) => name === "ner_encoder_truncated_total");
  expect(cut).toContainEqual({
    name: "ner_encoder_truncated_total",
    value: host.counted.get("cut_captions"),
    labels: { kind: "captions" },
  });
  await tagger.close();
});

test("measures the rows of each run, their sub-words and their padding", async () => {
  const host = testHost();
  const tagger = await openTagger(options.parse({ model: fixtureFolder("bert"), processes: 1, batch: 8 }), host);
  const of = (words: readonly string[]) => ({ words, captions: [], knowledge: "" });
  await tagger.tag([of(["a"]), of(["a", "a"]), of(["a", "a", "a"])], live);
  await tagger.close();
  const sum = (name: string, kind?: string) =>
    host.measured
      .filter((one) => one.name === name && one.labels.kind === kind)
      .reduce((total, { value }) => total + value, 0);
  expect(sum("ner_encoder_batch_size")).toBe(3);
  // One sub-word for each word, and two that frame a row; padded to the longest where they ran together.
  expect(sum("ner_encoder_tokens_total", "real")).toBe(3 + 4 + 5);
  expect(sum("ner_encoder_tokens_total", "pad")).toBe(2 + 1);
});

test("a provider that is not there falls back to the CPU and says so, or is refused", async () => {
  const model = fixtureFolder("bert");
  const tagger = await openTagger(options.parse({ model, processes: 1, provider: "cuda" }), testHost());
  expect(tagger.model.provider).toBe("cpu");
  await tagger.close();
  const refused = openTagger(options.parse({ model, processes: 1, provider: "cuda", fallback: false }), testHost());
  await expect(refused).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
});
