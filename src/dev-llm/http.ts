import type { IncomingMessage, ServerResponse } from "node:http";

/** Bytes of a request at most: a few pictures, or a file of a batch. */
const MAX_BODY = 64 * 2 ** 20;

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export const refuse = (
  response: ServerResponse,
  status: number,
  message: string,
  code: string,
  headers: Record<string, string> = {},
): void => json(response, status, errorOf(message, code), headers);

export const errorOf = (message: string, code: string): object => ({
  error: { message, type: code, param: null, code },
});
