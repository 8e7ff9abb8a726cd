import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** A plugin of the tests. */
export const fixture = (name: string): string => join(root, `test/fixtures/plugins/${name}.ts`);

export const ndjson = (lines: readonly object[]): string => `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;

/** The command in a process of its own. */
export function startRecord(...args: string[]) {
  const cli = [join(root, "src/cli.ts"), "knowledge", "record", ...args];
  return spawn(process.execPath, ["--conditions=source", ...cli], { stdio: ["ignore", "ignore", "pipe"] });
}

export async function ended(child: ReturnType<typeof startRecord>) {
  let told = "";
  child.stderr.on("data", (chunk) => (told += chunk));
  const [code] = await once(child, "close");
  return { code, told };
}

export const record = (...args: string[]) => ended(startRecord(...args));

export const recorded = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; knowledge: string; usd: number });
