import { testChat } from "starling-ner/testing";
import { afterAll, test } from "vitest";
import plugin from "./index.ts";
import { completion, sendJson, startServer } from "./server.test-help.ts";

const server = await startServer((response) => sendJson(response, completion('{"entities": []}')));
afterAll(() => server.close());

testChat({
  test,
  plugin,
  options: { model: "m", baseURL: server.url, provider: "p" },
  requests: [
    { messages: [{ role: "user", text: "Who?" }], maxTokens: 50 },
    {
      messages: [{ role: "user", text: "Who?" }],
      maxTokens: 50,
      schema: { name: "entities", schema: { type: "object" } },
    },
  ],
});
