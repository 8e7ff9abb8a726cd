import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds } from "../chaos/process-figures.ts";
import { makeCertificates } from "./certificates.ts";
import { freePorts } from "./free-ports.ts";
import { runScript } from "./run-script.ts";
import { scramUsers, secureSettings } from "./secure.ts";

export type BrokerVersion = "kafka-4" | "kafka-3";

export interface BrokerOptions {
  /** STARLING_TEST_KAFKA, else kafka-4. */
  readonly version?: BrokerVersion;
  /** Settings of the broker beside those of broker.sh. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Also listeners with TLS and SASL, and rules for who may do what. */
  readonly secure?: boolean;
  /** Java's heap. */
  readonly heap?: string;
  /** Quick to start (by default) or quick to run, for measuring. */
  readonly quick?: boolean;
}

export interface Broker {
  /** The plain listener. */
  readonly address: string;
  readonly secure: Secure | undefined;
  /** Its logs: a folder for each partition, such as `posts-0`. */
  readonly logs: string;
  /** Processor time that it has used since it was started last, in seconds; Linux only. */
  cpuSeconds(): number;
  /** Again, after `stop` or `kill`, with the same data and ports. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Stops, and deletes the data. */
  wipe(): Promise<void>;
}

export interface Secure {
  /** Addresses of the listeners. */
  readonly ssl: string;
  readonly saslSsl: string;
  readonly saslPlaintext: string;
  /** File of the authority to trust. */
  readonly ca: string;
}

/** Starts a broker of its own on free ports; it ends with this process at the latest. Takes 4 seconds. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const version = options.version ?? process.env.STARLING_TEST_KAFKA ?? "kafka-4";
  const jars = await runScript("fetch.sh", [version]);
  const folder = await mkdtemp(join(tmpdir(), "starling-broker-"));
  const data = join(folder, "data");
  const [plain, controller, ssl, saslSsl, saslPlaintext] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const certificates = options.secure ? makeCertificates(folder) : undefined;
  const ports = { plain, controller, ssl, saslSsl, saslPlaintext };
  const settings = { ...(certificates && secureSettings(ports, certificates)), ...options.settings };
  const args = [
    ...["-l", jars, "-d", data, "-p", String(plain), "-c", String(controller), "-w", String(process.pid)],
    ...["-m", options.heap ?? "400m", ...((options.quick ?? true) ? ["-q"] : [])],
    ...Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    ...(certificates ? scramUsers().flatMap((user) => ["-u", user]) : []),
  ];
  const broker: Broker = {
    address: at(plain),
    secure: certificates && {
      ssl: at(ssl),
      saslSsl: at(saslSsl),
      saslPlaintext: at(saslPlaintext),
      ca: certificates.ca,
    },
    logs: join(data, "log"),
    cpuSeconds: () => cpuSeconds(Number(readFileSync(join(data, "broker.pid"), "utf8"))),
    start: async () => void (await runScript("broker.sh", ["start", ...args])),
    stop: async () => void (await runScript("broker.sh", ["stop", "-d", data])),
    kill: async () => void (await runScript("broker.sh", ["stop", "-k", "-d", data])),
    wipe: async () => {
      await broker.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await broker.start();
  return broker;
}

const at = (port: number) => `127.0.0.1:${port}`;
