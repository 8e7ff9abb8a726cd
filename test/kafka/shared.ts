import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";
import { runScript } from "./run-script.ts";

/** Where the broker that all test files of a run share lives; global.ts sets it. */
export const FOLDER = "STARLING_TEST_BROKER_FOLDER";

/**
 * The address of a broker that all test files of one run share: the first to ask starts it. Take topics and groups that
 * nobody else has (`fresh`), and leave it running.
 */
export async function sharedBroker(): Promise<string> {
  const folder = process.env[FOLDER];
  if (folder === undefined) throw new Error("a shared broker is there only in a run of vitest");
  const [address, failed] = [join(folder, "address"), join(folder, "failed")];
  const first = await mkdir(join(folder, "starting")).then(
    () => true,
    () => false,
  );
  if (first) await start(folder).catch((error) => writeFile(failed, String(error)));
  for (let i = 0; i < 1200; i++) {
    if (existsSync(address)) return readFile(address, "utf8");
    if (existsSync(failed)) throw new Error(await readFile(failed, "utf8"));
    await sleep(100);
  }
  throw new Error("no broker after 120 s");
}

async function start(folder: string): Promise<void> {
  const [port, controller] = await freePorts(2);
  const jars = await runScript("fetch.sh", [process.env.STARLING_TEST_KAFKA ?? "kafka-4"]);
  const places = ["-l", jars, "-d", join(folder, "data"), "-p", String(port), "-c", String(controller)];
  await runScript("broker.sh", ["start", "-q", "-w", process.env.STARLING_TEST_BROKER_OWNER!, ...places]);
  await writeFile(join(folder, "address.new"), `127.0.0.1:${port}`);
  await rename(join(folder, "address.new"), join(folder, "address"));
}

let made = 0;
/** A name for a topic or a group that no other test has. */
export const fresh = (kind: string): string => `${kind}-${process.pid}-${Date.now().toString(36)}-${made++}`;
