import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Entry {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

/** A registry that speaks Confluent's protocol: reading by number and by subject, and registering, all in memory. */
export async function startRegistry({ authorization }: { readonly authorization?: string } = {}) {
  const entries: Entry[] = [];
  const subjects = new Map<string, number[]>();
  const asked: string[] = [];
  /** What every request gets instead of an answer. */
  let broken: ((response: ServerResponse) => void) | undefined;

  const register = (subject: string, entry: Entry): number => {
    const versions = subjects.get(subject) ?? [];
    const id = entries.push(entry);
    subjects.set(subject, [...versions, id]);
    return id;
  };
  const answer = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" });
    response.end(JSON.stringify(body));
  };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    asked.push(path);
    if (broken !== undefined) return broken(response);
    if (authorization !== undefined && request.headers.authorization !== authorization)
      return answer(response, 401, { error_code: 40101, message: "User cannot access the resource." });
    if (path === "/subjects") return answer(response, 200, [...subjects.keys()]);
    const byId = /^\/schemas\/ids\/(\d+)$/.exec(path);
    if (byId !== null) {
      const entry = entries[Number(byId[1]) - 1];
      return entry === undefined
        ? answer(response, 404, { error_code: 40403, message: "Schema not found" })
        : answer(response, 200, entry);
    }
    const bySubject = /^\/subjects\/([^/]+)\/versions\/(latest|\d+)$/.exec(path);
    if (bySubject !== null) {
      const subject = decodeURIComponent(bySubject[1]!);
      const versions = subjects.get(subject);
      if (versions === undefined) return answer(response, 404, { error_code: 40401, message: "Subject not found." });
      const version = bySubject[2] === "latest" ? versions.length : Number(bySubject[2]);
      const id = versions[version - 1];
      if (id === undefined) return answer(response, 404, { error_code: 40402, message: "Version not found." });
      return answer(response, 200, { subject, version, id, ...entries[id - 1] });
    }
    return answer(response, 404, { error: "no such page" });
  };
  const server = createServer(handle);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    register,
    /** The paths of all requests so far. */
    asked,
    breakWith: (how: typeof broken) => {
      broken = how;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
