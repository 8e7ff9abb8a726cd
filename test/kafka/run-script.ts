import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a script of this folder and answers what it printed; what it complained of is in the error. */
export async function runScript(name: "fetch.sh" | "broker.sh", args: readonly string[]): Promise<string> {
  const { stdout } = await execute(join(import.meta.dirname, name), args, { maxBuffer: 1 << 24 });
  return stdout.trim();
}
