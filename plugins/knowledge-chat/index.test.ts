import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Bank,
  type Chat,
  type Demonstration,
  Fault,
  type Feature,
  type Host,
  type Knowledge,
  type View,
} from "starling-ner";
import { testStage } from "starling-ner/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Asked, type DevLlm, type DevLlmOptions, startDevLlm } from "../../src/dev-llm/index.ts";
import { devChat } from "./dev-chat.test-help.ts";
import knowledgeChat from "./index.ts";

type Seen = View<"neighbours", "captions" | "ask" | "feature">;

const demonstrations: readonly Demonstration[] = [
  {
    id: "d1",
    text: "Mira Holt opens the Galway Arts Festival",
    caption: "a stage at night",
    answer:
      "Named entities:\n1. Mira Holt (person/artist)\n2. Galway Arts Festival (event)\nReasoning: The stage fits a festival.",
    entities: [{ text: "Mira Holt", type: "PER" }],
  },
  { id: "d2", text: "so tired", answer: "Named entities: None. Reasoning: No name.", entities: [] },
];
const bank: Bank = {
  demonstrations,
  get: (id) => demonstrations.find((one) => one.id === id),
  fingerprint: "f",
  file: "bank.ndjson",
};
const view = (text: string, facts: Partial<Seen["facts"]> = {}): Seen => ({
  post: { id: text.slice(0, 20) || "empty", text },
  facts: {
    neighbours: [
      { id: "d1", similarity: 0.9 },
      { id: "gone", similarity: 0.8 },
      { id: "d2", similarity: 0.7 },
    ],
    ...facts,
  },
});
const live = new AbortController().signal;

let contract: DevLlm;
beforeAll(async () => {
  contract = await startDevLlm({ script: [{ when: "broken", fault: "failed" }] });
});
afterAll(() => contract.close());
testStage({
  test,
  plugin: knowledgeChat,
  // A repost costs nothing, so that a post asked again would differ.
  options: { reposts: { size: 0 } },
  batch: [
    view("Nora Winter sings"),
    view("in Cork", { captions: [{ image: 0, text: "a bridge", source: "t" }] }),
    view("nothing"),
  ],
  bad: view("a broken post"),
  lend: {
    bank,
    llm: {
      model: "dev/dev",
      takesImages: false,
      guarded: true,
      ask: (request, signal) => devChat(contract.url).ask(request, signal),
    } satisfies Chat,
  },
});

let server: DevLlm | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Opened {
  readonly asked: Asked[];
  readonly counts: Record<string, number>;
  readonly warned: string[];
  readonly ask: (...views: Seen[]) => Promise<unknown[]>;
  readonly quick: (one: Seen) => unknown;
  readonly run: (views: readonly Seen[], signal: AbortSignal) => Promise<readonly unknown[]>;
}

async function open(llm: DevLlmOptions = {}, options: object = {}, chat?: Partial<Chat>): Promise<Opened> {
  const asked: Asked[] = [];
  server = await startDevLlm({ ...llm, observe: (one) => asked.push(one) });
  const counts: Record<string, number> = {};
  const warned: string[] = [];
  const host = {
    borrow: (port: { name: string }) => (port.name === "bank@1" ? bank : { ...devChat(server!.url), ...chat }),
    resolve: (path: string) => path,
    log() {},
    warn: (message: string) => warned.push(message),
    count: (name: string, by = 1) => (counts[name] = (counts[name] ?? 0) + by),
  } as unknown as Host;
  const stage = await knowledgeChat.open(knowledgeChat.options.parse(options), host);
  const answerOf = (one: { kind: string; reason?: string; value?: { knowledge: Knowledge } } | undefined) =>
    one?.kind === "ok" ? one.value!.knowledge : one?.kind === "pass" ? one.reason : one;
  return {
    asked,
    counts,
    warned,
    run: stage.run,
    quick: (one) => answerOf(stage.quick!(one)),
    ask: async (...views) => (await stage.run(views, live)).map(answerOf),
  };
}
const ofText = (text: string, answer: unknown) => ({ when: text, answer });

describe("asks", () => {
  test("with head, examples from the least similar on, and the post, each marked", async () => {
    const { ask, asked } = await open({}, { structured: false });
    await ask(view("Nora\nWinter", { captions: [{ image: 0, text: "a red door", source: "t" }] }));
    const [{ messages, schema, maxTokens }] = asked as [Asked];
    expect(messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user", "assistant", "user"]);
    expect(messages[1]!.text).toContain("soˆtired");
    expect(messages[2]!.text).toBe("Named entities: None. Reasoning: No name.");
    expect(messages[3]!.text).toMatch(
      /^Text: <text-(\w{10})>MiraˆHoltˆopens.*<\/text-\1>\nImages: <image-\1>aˆstageˆatˆnight<\/image-\1>\n/,
    );
    expect(messages[5]!.text).toMatch(
      /^Text: <text-(\w{10})>NoraˆWinter<\/text-\1>\nImages: <image-\1>aˆredˆdoor<\/image-\1>\nQuestion: /,
    );
    expect(messages[0]!.text).toMatch(/Named entities: None/);
    expect([schema, maxTokens]).toEqual([undefined, 400]);
  });
  test("without what a repost has of its own, which says nothing of the post", async () => {
    const { ask, asked } = await open({}, { structured: false });
    await ask(
      view("RT @galway_fan: RT @a: Nora Winter https://t.co/ab12Cd (https://t.co/x) https://rte.ie/nora-winter"),
    );
    expect(asked[0]!.messages.at(-1)!.text).toContain(">NoraˆWinterˆ()ˆhttps://rte.ie/nora-winter<");
  });
  test("by a schema, with examples of its shape, and reads the answer", async () => {
    const { ask, asked } = await open();
    const [knowledge] = await ask(view("with Nora Winter in Cork"));
    expect(asked[0]!.schema).toMatchObject({ required: ["entities", "reasoning", "image_relevant"] });
    expect(JSON.parse(asked[0]!.messages[4]!.text)).toEqual({
      entities: [
        { name: "Mira Holt", type: "person/artist" },
        { name: "Galway Arts Festival", type: "event" },
      ],
      reasoning: "The stage fits a festival.",
      image_relevant: true,
    });
    expect(knowledge).toEqual({
      text: "Named entities:1. Nora Winter (person)2. Cork (organization)Reasoning:These words begin with a capital letter. The development server looked at nothing else.",
      names: [
        { text: "Nora Winter", type: "person", inPost: true },
        { text: "Cork", type: "organization", inPost: true },
      ],
      source: expect.stringMatching(/^knowledge-chat:dev\/dev:pgim-1-[0-9a-f]{8}$/),
      usd: 0.001,
    });
  });
  test("in the same words for the same post, so that a cache can answer", async () => {
    const { ask, asked } = await open({}, { reposts: { size: 0 } });
    await ask(view("Nora"), view("Nora"), view("Mora"));
    expect(asked[0]!.messages).toEqual(asked[1]!.messages);
    expect(asked[0]!.messages).not.toEqual(asked[2]!.messages);
  });
  test("no more examples than wanted", async () => {
    const { ask, asked } = await open({}, { examples: 0 });
    await ask(view("Nora"));
    expect(asked[0]!.messages.length).toBe(2);
  });
  test("marks names that stand nowhere in the post", async () => {
    const answer = "Named entities:1. Nora (person)2. Kim (person)Reasoning:x";
    const { ask } = await open({ script: [ofText("nora", answer)] }, { structured: false });
    expect(await ask(view("it is NORA"))).toMatchObject([
      { text: answer, names: [{ inPost: true }, { text: "Kim", inPost: false }] },
    ]);
  });
  test("with a prompt of a folder, whose version follows its files", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prompt-"));
    cpSync(join(import.meta.dirname, "../../prompts/pgim-1"), folder, { recursive: true });
    const source = async () => ((await (await open({}, { prompt: folder })).ask(view("Nora")))[0] as Knowledge).source;
    const before = await source();
    writeFileSync(join(folder, "question.md"), "{{mark}} {{text}} {{captions}}?");
    expect(await source()).not.toBe(before);
    writeFileSync(join(folder, "question.md"), "{{mark}} {{text}}");
    await expect(open({}, { prompt: folder })).rejects.toThrow("question.md has no {{captions}}");
    rmSync(join(folder, "head.md"));
    const refused = await knowledgeChat.check!(knowledgeChat.options.parse({ prompt: folder }), {
      resolve: (path: string) => path,
    } as never);
    expect(refused).toMatchObject([{ option: ["prompt"], error: { code: "PROMPT_INVALID" } }]);
  });
  test("and says so where nothing guards the LLM", async () => {
    expect((await open({}, {}, { guarded: false })).warned).toEqual([expect.stringContaining("chat-guard")]);
    expect((await open()).warned).toEqual([]);
  });
});

describe("goes on without knowledge", () => {
  const reason = async (llm: DevLlmOptions, options = {}) => (await (await open(llm, options)).ask(view("Nora")))[0];
  test.each([
    ["busy", "rate_limited"],
    ["failed", "llm_error"],
    ["refused", "refused"],
    ["reset", "llm_error"],
    ["garbage", "llm_error"],
    ["wrong_json", "llm_error"],
    ["empty", "llm_error"],
    ["refusal", "refused"],
    ["length", "unreadable"],
  ] as const)("where the LLM is %s: %s", async (fault, expected) => {
    expect(await reason({ script: [{ fault }] })).toBe(expected);
  });
  test("where the answer is none: unreadable", async () => {
    expect(await reason({ script: [{ answer: "I would rather not." }] })).toBe("unreadable");
  });
  test.each([
    [new Fault("CHAT_CIRCUIT_OPEN", { model: "m" }), "circuit_open"],
    [new Fault("CHAT_OVER_BUDGET", { model: "m", usd: 1, leftUsd: 0 }), "budget"],
    [new Fault("CHAT_TIMEOUT", { model: "m", afterMs: 1 }), "timeout"],
    [new Fault("CHAT_REFUSED", { model: "m", status: 401, reason: "x" }), "denied"],
    [new Fault("CHAT_REFUSED", { model: "m", status: 402, reason: "x" }), "denied"],
    [new Fault("CHAT_REFUSED", { model: "m", status: 403, reason: "x" }), "denied"],
    [new Fault("CHAT_REFUSED", { model: "m", status: 404, reason: "x" }), "denied"],
    [new Fault("CHAT_REFUSED", { model: "m", status: 400, reason: "x" }), "refused"],
    [new Error("whatever"), "llm_error"],
  ])("%s", async (error, expected) => {
    const { ask } = await open({}, {}, { ask: () => Promise.reject(error) });
    expect(await ask(view("Nora"))).toEqual([expected]);
  });
  test.each(["hang", { kind: "slow", waitMs: 2000 }, { kind: "drip", waitMs: 500 }] as const)(
    "at the deadline, while the LLM is %j",
    async (fault) => {
      const began = performance.now();
      expect(await reason({ script: [{ fault }] }, { deadlineMs: 150 })).toBe("timeout");
      expect(performance.now() - began).toBeLessThan(400);
    },
  );
  test("at the deadline though the LLM's adapter does not listen", async () => {
    const { ask } = await open({}, { deadlineMs: 50 }, { ask: () => new Promise(() => {}) });
    expect(await ask(view("Nora"))).toEqual(["timeout"]);
  });
  test("where the wait in the queue took the time, without asking", async () => {
    const { quick, ask, asked } = await open({}, { deadlineMs: 50 });
    const post = view("Nora");
    expect(quick(post)).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await ask(post)).toEqual(["timeout"]);
    expect(asked).toEqual([]);
  });
  test("when the stage's own time is over; ends when the run is stopped", async () => {
    const { run } = await open({ script: [{ fault: "hang" }] });
    const over = new AbortController();
    const running = run([view("Nora")], over.signal);
    over.abort(new Fault("STAGE_TIMEOUT", { stage: "s", afterMs: 1 }));
    expect(await running).toMatchObject([{ kind: "pass", reason: "timeout", degraded: true }]);
    const stop = new AbortController();
    const stopped = run([view("Nora")], stop.signal);
    stop.abort(new Error("stopped"));
    await expect(stopped).rejects.toThrow("stopped");
  });
  test("at once where the gate says no, for the gate's reason", async () => {
    const { quick, ask, asked } = await open();
    const no = view("Nora", { ask: { yes: false, gain: 0, reason: "confident" } });
    expect([quick(no), ...(await ask(no))]).toEqual(["confident", "confident"]);
    expect(asked).toEqual([]);
  });
});

describe("reposts", () => {
  const feature = (...vector: number[]): { feature: Feature } => ({
    feature: { vector: Float32Array.from(vector), of: "text", model: "m" },
  });
  const long = "Nora Winter sings old songs in Cork tonight, doors open at eight";
  test("take the answer of the post that they repeat, at once, with names marked anew", async () => {
    const { ask, quick, asked, counts } = await open();
    await ask(view(long, feature(1, 0)));
    expect(quick(view(`RT @fan_1: ${long} https://t.co/ab12Cd`))).toMatchObject({ usd: 0 });
    expect(quick(view(`${long}!!`, feature(0.99, 0.14)))).toMatchObject({ usd: 0 });
    expect(quick(view(`${long} 🎶`, feature(0.99, 0.14)))).toMatchObject({
      names: [{ inPost: true }, { text: "Cork", inPost: true }],
    });
    expect(asked.length).toBe(1);
    expect(counts).toEqual({ asked: 1, reposts: 3 });
  });
  test.each([
    ["a word less", view(long.replace("old ", ""), feature(1, 0))],
    ["a sign less", view(long.replace(",", ""), feature(1, 0))],
    ["other letters large", view(long.toUpperCase(), feature(1, 0))],
    ["another word", view(long.replace("Cork", "Bern"), feature(1, 0))],
    ["a word more", view(`${long} not`, feature(1, 0))],
    ["a name more", view(long.replace("Cork", "Cork #Galway"), feature(1, 0))],
    ["many signs more", view(`${long} ${"! ".repeat(20)}`, feature(1, 0))],
    ["many words more", view(`${long} and much, much more than we ever told`, feature(1, 0))],
    ["another feature", view(`${long}!`, feature(0.9, 0.43))],
    ["a feature of another model", view(`${long}!`, { feature: { ...feature(1, 0).feature, model: "n" } })],
    ["no feature", view(`${long}!`)],
    ["another picture", view(long, { ...feature(1, 0), captions: [{ image: 0, text: "a cat", source: "t" }] })],
  ])("are none with %s", async (_, other) => {
    const { ask, quick } = await open();
    await ask(view(long, feature(1, 0)));
    expect(quick(other)).toBeUndefined();
  });
  test("are forgotten with time, and the oldest where there are too many", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const { ask, quick } = await open({}, { reposts: { maxAgeMs: 1000, size: 2 } });
      await ask(view("Nora"), view("Mora"), view("Dora"));
      expect([quick(view("Nora")), quick(view("Mora")), quick(view("Dora"))].map((one) => one !== undefined)).toEqual([
        false,
        true,
        true,
      ]);
      vi.advanceTimersByTime(1001);
      expect(quick(view("Dora"))).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
  test("take over nothing that failed or was cut", async () => {
    const { ask, asked } = await open({ script: [{ fault: "failed", times: 1 }] });
    expect(await ask(view("Nora"))).toEqual(["llm_error"]);
    expect(await ask(view("Nora"))).toMatchObject([{ usd: 0.001 }]);
    expect(asked.length).toBe(2);
  });
});
