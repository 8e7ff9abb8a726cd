import type { LookupAddress } from "node:dns";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { isIPv6 } from "node:net";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import type { ResolveName } from "./fetch.ts";
import { createImages, type Images } from "./images.ts";
import { imageOptions } from "./options.ts";

export interface Listening {
  readonly port: number;
  /** Connections that came, from the start. */
  connections(): number;
  /** Paths that were asked for. */
  readonly paths: readonly string[];
}

/** A real server on a loopback address that counts who comes. */
export async function listen(host: string, answer: RequestListener, port = 0): Promise<Listening> {
  let connections = 0;
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    answer(request, response);
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, paths };
}

/** Names and what they stand for; an array of arrays answers each lookup anew. Other names do not exist. */
export function names(book: Readonly<Record<string, readonly string[]>>): ResolveName & { asked: string[] } {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<LookupAddress[]> => {
    asked.push(name);
    const found = book[name];
    if (found === undefined) throw Object.assign(new Error(`no such name ${name}`), { code: "ENOTFOUND" });
    return found.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

export interface Opened {
  readonly images: Images;
  readonly logged: string[];
  readonly counted: Map<string, number>;
}

export async function open(options: z.input<typeof imageOptions>, resolveName?: ResolveName): Promise<Opened> {
  const logged: string[] = [];
  const counted = new Map<string, number>();
  const host = {
    log: (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`),
    count: (name: string, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by),
    resolve: (path: string) => path,
  };
  const images = await createImages(imageOptions.parse(options), host, resolveName);
  onTestFinished(() => images.close());
  return { images, logged, counted };
}

export const live = new AbortController().signal;
