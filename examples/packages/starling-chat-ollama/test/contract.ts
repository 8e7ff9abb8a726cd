import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type ChatRequest, isFault } from "starling-ner";
import { testChat } from "starling-ner/testing";
import plugin from "../src/index.ts";
import { says, startServer } from "./server.ts";

const question: ChatRequest = { messages: [{ role: "user", text: "Who sings in Cork?" }], maxTokens: 50 };
const schema = { name: "entities", schema: { type: "object" } };
const live = new AbortController().signal;

const kind = await startServer((response, { format }) =>
  says(response, format ? '{"entities": []}' : "1. Cork (city)"),
);
const silent = await startServer(() => {});
after(() => Promise.all([kind.close(), silent.close()]));
testChat({
  test,
  plugin,
  options: { url: kind.url, model: "qwen3:4b" },
  silent: { url: silent.url, model: "qwen3:4b" },
});

const open = (url: string, more: object = {}) =>
  plugin.open(plugin.options.parse({ url, model: "m", ...more }), {} as never);

test("sends the conversation, the cap, the schema and pictures as the protocol wants them", async () => {
  const images = [{ bytes: new Uint8Array([1, 2, 3]), type: "image/png" as const }];
  const server = await startServer((response) => says(response, "{}", { done_reason: "length" }));
  const chat = await open(server.url, { takesImages: true });
  const answer = await chat.ask({ ...question, schema, messages: [{ role: "user", text: "What?", images }] }, live);
  assert.deepEqual(server.asked, [
    {
      model: "m",
      stream: false,
      messages: [{ role: "user", content: "What?", images: ["AQID"] }],
      format: schema.schema,
      options: { temperature: 0, num_predict: 50 },
    },
  ]);
  assert.deepEqual(
    [answer.finish, answer.structured, answer.usage, answer.usd],
    ["length", true, { inputTokens: 40, outputTokens: 12 }, 0],
  );
  await server.close();
});

const faults = {
  CHAT_BUSY: (response) => response.writeHead(429, { "retry-after": "7" }).end(),
  CHAT_FAILED: (response) => response.writeHead(500).end('{"error": "out of memory"}'),
  CHAT_REFUSED: (response) => response.writeHead(404).end('{"error": "model not found"}'),
  CHAT_GARBLED: (response) => response.end("<html>"),
  CHAT_UNREACHABLE: (response) => response.destroy(),
  CHAT_TIMEOUT: () => {},
} satisfies Record<string, Parameters<typeof startServer>[0]>;

for (const [code, answering] of Object.entries(faults))
  test(`a server that does so is told as ${code}`, async () => {
    const server = await startServer(answering);
    const chat = await open(server.url, { timeoutMs: 300 });
    await assert.rejects(chat.ask(question, live), (error) => isFault(error) && error.code === code);
    await server.close();
  });

test("a server that is not there was never asked", async () => {
  const gone = await startServer(() => {});
  await gone.close();
  const chat = await open(gone.url);
  await assert.rejects(
    chat.ask(question, live),
    (error) =>
      isFault(error) && error.code === "CHAT_UNREACHABLE" && (error.details as { sent?: boolean }).sent === false,
  );
});
