import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { Agent, type Dispatcher, request } from "undici";
import { collect } from "./collect.ts";
import type { ImageOptions } from "./options.ts";
import { Refusal, refusalIn } from "./refusal.ts";
import { createTargets, type Targets } from "./target.ts";

const MAX_REDIRECTS = 3;

/** All addresses of a name; the system's resolver by default. */
export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>;

export const systemNames: ResolveName = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true, verbatim: true }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    );
  });

export interface Fetcher {
  /** The bytes behind a URL. Throws a Refusal, or the signal's reason. */
  fetch(url: string, signal: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

type FetchOptions = Pick<ImageOptions, "hosts" | "http" | "ports" | "networks" | "maxBytes" | "timeoutMs">;

export function createFetcher(options: FetchOptions, resolveName: ResolveName = systemNames): Fetcher {
  const targets = createTargets(options);
  // An agent of our own: the environment's proxy variables and the global dispatcher have no say.
  const agent = new Agent({
    connect: { lookup: pinned(targets, resolveName), timeout: options.timeoutMs },
    connections: 4,
    allowH2: false,
  });
  return {
    async fetch(url, signal) {
      try {
        return await follow({ targets, agent, maxBytes: options.maxBytes, signal }, url);
      } catch (error) {
        signal.throwIfAborted();
        throw refusalIn(error) ?? new Refusal("image_unreachable", `its server cannot be reached (${codeOf(error)})`);
      }
    },
    close: () => agent.destroy(),
  };
}

/**
 * A name is resolved once for each connection, every one of its addresses is checked, and the socket goes to those: what
 * the name means a moment later makes no difference.
 */
const pinned =
  (targets: Targets, resolveName: ResolveName): LookupFunction =>
  (name, { all }, done) => {
    resolveName(name).then(
      (addresses) => {
        try {
          for (const { address } of addresses) targets.address(address);
        } catch (error) {
          return done(error as Error, []);
        }
        const [first] = addresses;
        if (first === undefined) return done(new Error("no address"), []);
        return all ? done(null, [...addresses]) : done(null, first.address, first.family);
      },
      (error: Error) => done(error, []),
    );
  };

interface Trip {
  readonly targets: Targets;
  readonly agent: Dispatcher;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

async function follow({ targets, agent, maxBytes, signal }: Trip, written: string): Promise<Uint8Array> {
  let url = targets.url(written);
  for (let redirects = 0; ; redirects++) {
    const { statusCode, headers, body } = await request(url, { dispatcher: agent, signal, headers: asked });
    if (statusCode === 200) return collect(body, Number(headers["content-length"] ?? 0), maxBytes);
    // What is broken off complains; nobody reads it.
    body.on("error", () => {}).destroy();
    const { location } = headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== "string")
      throw new Refusal("image_unreachable", `its server answered with status ${statusCode}`);
    if (redirects === MAX_REDIRECTS)
      throw new Refusal("image_refused", `it was redirected more than ${MAX_REDIRECTS} times`);
    url = targets.url(location, url);
  }
}

/** Packed bodies are not asked for: what unpacks them could be made to blow up. */
const asked = { accept: "image/*", "accept-encoding": "identity", "user-agent": "starling-ner" };

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? "no reason given");
