import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type { SASLOptions } from "kafkajs";
import type { Options } from "./options.ts";

type Resolve = (path: string) => string;

/** Throws where a file of a certificate cannot be read. */
export async function tlsOf(tls: Options["tls"], resolve: Resolve): Promise<ConnectionOptions | boolean> {
  if (typeof tls === "boolean") return tls;
  const { ca, cert, key, passphrase, servername } = tls;
  const read = async (path: string | undefined) => (path === undefined ? undefined : readFile(resolve(path)));
  const files = { ca: await read(ca), cert: await read(cert), key: await read(key) };
  const given = Object.entries({ ...files, passphrase, servername }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as ConnectionOptions;
}

export function saslOf(sasl: Options["sasl"], resolve: Resolve): SASLOptions | undefined {
  if (sasl?.mechanism !== "oauthbearer") return sasl;
  const oauthBearerProvider = async () => ({ value: (await readFile(resolve(sasl.tokenFile), "utf8")).trim() });
  return { mechanism: "oauthbearer", oauthBearerProvider };
}
