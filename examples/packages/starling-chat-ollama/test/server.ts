import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly images?: readonly string[];
  }[];
  readonly format?: object;
  readonly options: Readonly<Record<string, number>>;
}
export type Answering = (response: ServerResponse, asked: Asked) => void;

export const says = (response: ServerResponse, content: string, more: object = {}): void => {
  response.setHeader("content-type", "application/json");
  const message = { role: "assistant", content };
  response.end(
    JSON.stringify({
      model: "m",
      message,
      done: true,
      done_reason: "stop",
      prompt_eval_count: 40,
      eval_count: 12,
      ...more,
    }),
  );
};

/** A server on the loopback interface that speaks Ollama's protocol. */
export async function startServer(answering: Answering) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== "POST" || request.url !== "/api/chat") {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Asked;
    asked.push(body);
    answering(response, body);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((done) => server.close(() => done()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close };
}
