import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image, Outcome, View } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Asked, type DevLlmOptions, startDevLlm } from "../../src/dev-llm/index.ts";
import chatOpenai from "../chat-openai/index.ts";
import captioner from "./index.ts";

// The whole way to a server of the protocol and back, over HTTP.

const pictures = join(import.meta.dirname, "../../examples/pictures");
const bridge: Image = { bytes: await readFile(join(pictures, "bridge.png"), "base64"), alt: "the author's words" };
const view: View<never, "captions"> = { post: { id: "1", text: "the post's words", images: [bridge] }, facts: {} };
const live = new AbortController().signal;

async function setUp(script: NonNullable<DevLlmOptions["script"]>, options: object = {}) {
  const asked: Asked[] = [];
  const server = await startDevLlm({ script, observe: (one) => asked.push(one) });
  const price = { inputUsd: 0, outputUsd: 0 };
  const adapter = chatOpenai.options.parse({
    model: "eyes",
    baseURL: server.url,
    provider: "dev",
    takesImages: true,
    price,
  });
  const chat = await chatOpenai.open(adapter, testHost());
  const stage = await captioner.open(captioner.options.parse(options), testHost({ chat }));
  onTestFinished(async () => {
    await stage.close?.();
    await chat.close?.();
    await server.close();
  });
  return { server, asked, run: async (): Promise<Outcome<unknown>> => (await stage.run([view], live))[0]! };
}

test("a picture goes out as its own bytes and a caption comes back, once for all reposts", async () => {
  const { server, asked, run } = await setUp([{ answer: "A red bridge at dusk." }]);
  const caption = { image: 0, text: "A red bridge at dusk.", source: "captioner-chat/dev/eyes" };
  expect(await run()).toEqual({ kind: "ok", value: { captions: [caption] } });
  expect(await run()).toMatchObject({ kind: "ok" });
  expect(server.counts).toMatchObject({ requests: 1, images: 1 });
  expect(asked[0]?.images[0]).toMatch(/^data:image\/jpeg;base64,/);
  expect(JSON.stringify(asked[0]?.messages)).not.toMatch(/author's|post's/);
});

test.each([
  ["busy", "rate_limited"],
  ["failed", "llm_error"],
  ["refused", "refused"],
  ["reset", "llm_error"],
  ["hang", "timeout"],
  ["garbage", "llm_error"],
  ["refusal", "refused"],
] as const)(
  "a server that is at fault (%s) leaves the post without captions, not without a word",
  async (fault, reason) => {
    const { run } = await setUp([{ fault }], { answerMs: 400 });
    expect(await run()).toEqual({ kind: "pass", reason, degraded: true });
  },
);
