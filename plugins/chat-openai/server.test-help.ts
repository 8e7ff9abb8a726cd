import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}
export type Answering = (response: ServerResponse, received: Received) => void;

/** A completion as OpenAI sends it. */
export const completion = (text: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: text, refusal: null } }],
  usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  ...more,
});

export const sendJson = (
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
};

/** A server on the loopback interface that answers every request as `answering` does. */
export async function startServer(answering: Answering = (response) => sendJson(response, completion("yes"))) {
  const received: Received[] = [];
  let answer = answering;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const got = { path: request.url ?? "", headers: request.headers, body };
    received.push(got);
    answer(response, got);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return {
    url: `http://127.0.0.1:${port}/v1`,
    received,
    answerWith: (next: Answering) => {
      answer = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
