import { appendFileSync, existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readCorpus } from "../conll/index.ts";
import { type Asked, type DevLlm, type DevLlmOptions, startDevLlm } from "../dev-llm/index.ts";
import { ended, fixture, ndjson, record, recorded, startRecord as start } from "./knowledge.test-help.ts";

let folder: string;
let llm: DevLlm | undefined;
let asked: Asked[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "knowledge-"));
  asked = [];
});
afterEach(async () => {
  await llm?.close();
  llm = undefined;
});

const posts = [
  { id: "1", text: "Nora Winter sings in Cork" },
  { id: "2", text: "so tired" },
  { id: "3", text: "Mo Farrell scores" },
];
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

async function config(options: DevLlmOptions = {}, price = "{ inputUsd: 1, outputUsd: 2 }"): Promise<string> {
  llm = await startDevLlm({ ...options, observe: (one) => asked.push(one) });
  return file(
    "pipeline.yaml",
    `resources:
  tagger: { use: ${fixture("tiny-tagger")} }
  bank: { use: ${fixture("tiny-bank")} }
  openai: { use: chat-openai, options: { model: dev, baseURL: "${llm.url}", price: ${price} } }
  llm: { use: chat-guard, options: { chat: openai, attempts: 1 } }
stages:
  - { use: draft }
  - { use: ${fixture("tiny-retriever")} }
  - { use: knowledge-chat, batch: 1, concurrency: 2 }
  - { use: final }
`,
  );
}

describe("starling knowledge record", () => {
  test("tells the cost, asks of each post once, and goes on where it was stopped", async () => {
    const [pipeline, data, output] = [await config(), file("posts.ndjson", ndjson(posts)), join(folder, "k.ndjson")];
    const estimate = await record(pipeline, "--data", data, "--output", output, "--estimate");
    expect(estimate.told).toMatch(
      /^3 posts to record: about 3 requests to .*\/dev, \d+ \+ 450 tokens, about 0\.00\d+ USD, at most 0\.0\d+ USD without retries\n$/,
    );
    expect(asked).toEqual([]);
    expect(existsSync(output)).toBe(false);

    const first = await record(pipeline, "-d", data, "-o", output, "--limit", "2");
    expect(first).toMatchObject({ code: 0, told: expect.stringContaining("2 of 2 recorded, 2 requests, 0.00") });
    expect(
      recorded(output)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["1", "2"]);
    expect(recorded(output)[0]).toMatchObject({
      schema: "starling.knowledge/1",
      text: "Nora Winter sings in Cork",
      knowledge: expect.stringMatching(/^Named entities:1\. Nora Winter \(person\)2\. Cork/),
      names: [{ text: "Nora Winter", type: "person" }, { text: "Cork" }],
      source: expect.stringMatching(/^knowledge-chat:.*\/dev:pgim-1-/),
      usd: expect.any(Number),
    });

    // What a crash leaves behind.
    appendFileSync(output, '{"id":"3","knowl');
    const rest = await record(pipeline, "-d", data, "-o", output);
    expect(rest.told).toContain("1 post to record (2 recorded before)");
    expect(
      recorded(output)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["1", "2", "3"]);
    expect(asked.length).toBe(3);
    expect((await record(pipeline, "-d", data, "-o", output)).told).toMatch(/^0 posts to record \(3 recorded before\)/);
  }, 60_000);

  test("reads CoNLL with captions, and makes what training reads", async () => {
    const data = file("train.txt", "IMGID:7\nNora\tB-PER\ncan\tO\n'\tO\nt\tO\n\nIMGID:8\nCork\tB-LOC\n");
    const captions = file("captions.txt", "7.jpg :a red door\n");
    const output = join(folder, "k.ndjson");
    await record(await config(), "-d", data, "-o", output, "--captions", captions);
    expect(asked.map(({ last }) => last).join("\n")).toContain("aˆredˆdoor");
    const corpus = await readCorpus({ path: data, knowledge: output });
    expect(corpus.samples.map(({ knowledge }) => knowledge)).toEqual([
      expect.stringMatching(/^Named entities:1\. Nora/),
      expect.stringMatching(/^Named entities:1\. Cork/),
    ]);
    expect(corpus.without.knowledge).toBe(0);
  }, 60_000);

  test("leaves out what did not come, says why, and asks again the next time", async () => {
    const pipeline = await config({ script: [{ when: "tired", fault: "failed", times: 1 }] });
    const [data, output] = [file("posts.ndjson", `${ndjson(posts)}{"id":\n`), join(folder, "k.ndjson")];
    const { code, told } = await record(pipeline, "-d", data, "-o", output);
    expect([code, told]).toEqual([
      1,
      expect.stringContaining("1 line is no post and is left out (POST_NOT_JSON 1); the first: posts.ndjson line 4"),
    ]);
    expect(told).toMatch(/the last fault was CHAT_FAILED: .* failed with status 500/);
    expect(told).toContain("2 of 3 recorded, 3 requests");
    expect(told).toContain("(knowledge-chat: llm_error 1); start again to ask of the others");
    expect((await record(pipeline, "-d", data, "-o", output)).code).toBe(0);
    expect(recorded(output).length).toBe(3);
  }, 60_000);

  test("stops early where the model is gone, and names the fault that opened the circuit", async () => {
    const pipeline = await config({ script: [{ fault: "failed" }] });
    const many = Array.from({ length: 200 }, (_, i) => ({ id: String(i), text: `Nora and post ${i}` }));
    const [data, output] = [file("posts.ndjson", ndjson(many)), join(folder, "k.ndjson")];
    const { code, told } = await record(pipeline, "-d", data, "-o", output);
    expect([code, told]).toEqual([1, expect.stringContaining("0 of 200 recorded")]);
    expect(told).toContain("circuit is open");
    expect(told).toMatch(/the last fault was CHAT_FAILED: .* failed with status 500/);
    expect(asked.length).toBeLessThan(20);
  }, 60_000);

  test("at a signal asks no more, and keeps the answers of calls under way", async () => {
    const pipeline = await config({ waitMs: 500 });
    const many = Array.from({ length: 100 }, (_, i) => ({ id: String(i), text: `Nora and post ${i}` }));
    const [data, output] = [file("posts.ndjson", ndjson(many)), join(folder, "k.ndjson")];
    const child = start(pipeline, "-d", data, "-o", output);
    const end = ended(child);
    await vi.waitFor(() => expect(asked.length).toBeGreaterThanOrEqual(2), 20_000);
    child.kill("SIGINT");
    const { code, told } = await end;
    expect([code, told]).toEqual([0, expect.stringMatching(/^stopping; (1 call|2 calls) under way$/m)]);
    expect(told).toMatch(/knowledge-chat: stopped \d+/);
    expect(asked.length).toBeLessThanOrEqual(6);
    expect(recorded(output).length).toBe(asked.length);
  }, 60_000);

  test("refuses to begin, or stops, at --max-usd", async () => {
    const pipeline = await config({}, "{ inputUsd: 1000, outputUsd: 1000 }");
    const many = Array.from({ length: 200 }, (_, i) => ({ id: String(i), text: `Nora and post ${i}` }));
    const [data, output] = [file("posts.ndjson", ndjson(many)), join(folder, "k.ndjson")];
    const refused = await record(pipeline, "-d", data, "-o", output, "--max-usd", "1");
    expect(refused).toMatchObject({ code: 2, told: expect.stringContaining("are more than --max-usd 1") });
    expect(asked).toEqual([]);
    const limited = await record(pipeline, "-d", data, "-o", output, "--limit", "3", "--max-usd", "5");
    expect(limited).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
  }, 60_000);

  test("stops asking once --max-usd is spent, and keeps what it has", async () => {
    const answer = { entities: [], reasoning: "word ".repeat(300), image_relevant: false };
    const pipeline = await config({ script: [{ answer }] }, "{ inputUsd: 0, outputUsd: 1000 }");
    const many = Array.from({ length: 400 }, (_, i) => ({ id: String(i), text: `Nora and post ${i}` }));
    const [data, output] = [file("posts.ndjson", ndjson(many)), join(folder, "k.ndjson")];
    // 60 USD by the estimate of 150 tokens an answer, 160 as it turns out.
    const { code, told } = await record(pipeline, "-d", data, "-o", output, "--max-usd", "65");
    expect([code, told]).toEqual([0, expect.stringContaining("stopped at --max-usd 65")]);
    const spent = recorded(output).reduce((sum, { usd }) => sum + usd, 0);
    expect(spent).toBeGreaterThanOrEqual(65);
    expect(recorded(output).length).toBeLessThan(400);
    expect(recorded(output).length).toBe(asked.length);
  }, 60_000);

  test.each([
    ["a config without knowledge", "stages: []\n", "gives knowledge"],
    ["a broken config", "stages: [{ use: nothing-like-it }]\n", "nothing-like-it"],
  ])(
    "tells %s",
    async (_, text, message) => {
      const { code, told } = await record(
        file("c.yaml", text),
        "-d",
        file("p.ndjson", ndjson(posts)),
        "-o",
        join(folder, "k"),
      );
      expect([code, told]).toEqual([2, expect.stringContaining(message)]);
    },
    60_000,
  );

  test.each([
    [["--batch-size", "2"], "--batch-size does nothing here"],
    [["--batch-look", "2"], "--batch-look does nothing here"],
    [["--captions", "c.txt"], "--captions does nothing here"],
  ])("refuses flags that nothing heeds: %s", async (flags, message) => {
    const { code, told } = await record(
      file("c.yaml", "stages: []\n"),
      "-d",
      file("p.ndjson", ndjson(posts)),
      "-o",
      join(folder, "k"),
      ...flags,
    );
    expect([code, told]).toEqual([2, expect.stringContaining(message)]);
  });

  test("two at once into one output, also by another name: the second is refused", async () => {
    const [pipeline, data] = [await config({ waitMs: 3000 }), file("posts.ndjson", ndjson(posts))];
    const output = file("k.ndjson", "");
    symlinkSync(output, join(folder, "link.ndjson"));
    const first = record(pipeline, "-d", data, "-o", output);
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0), 20_000);
    const second = await record(pipeline, "-d", data, "-o", join(folder, "link.ndjson"));
    expect([second.code, second.told]).toEqual([2, expect.stringContaining("another run records into")]);
    expect(await first).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
    expect(asked.length).toBe(3);
  }, 60_000);

  test("tells an output in a folder that is not there", async () => {
    const args = [await config(), "-d", file("posts.ndjson", ndjson(posts))];
    const { code, told } = await record(...args, "-o", join(folder, "none", "k.ndjson"));
    expect([code, told]).toEqual([1, expect.stringMatching(/cannot write .*none.k\.ndjson: ENOENT/)]);
  }, 60_000);

  test("tells an output that holds something else, and changes nothing in it", async () => {
    const other = file("other.ndjson", "my notes\n");
    const { code, told } = await record(await config(), "-d", file("p.ndjson", ndjson(posts)), "-o", other);
    expect([code, told]).toEqual([2, expect.stringContaining("other.ndjson:1: not JSON")]);
    expect(readFileSync(other, "utf8")).toBe("my notes\n");
  }, 60_000);
});
