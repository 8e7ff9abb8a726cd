import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runScript } from "./run-script.ts";
import { FOLDER } from "./shared.ts";

/** Vitest's global set-up: a folder for the broker that test files share. Only a test that wants it starts it. */
export default async function () {
  const folder = await mkdtemp(join(tmpdir(), "starling-shared-broker-"));
  process.env[FOLDER] = folder;
  process.env.STARLING_TEST_BROKER_OWNER = String(process.pid);
  return async () => {
    await runScript("broker.sh", ["stop", "-k", "-d", join(folder, "data")]).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  };
}
