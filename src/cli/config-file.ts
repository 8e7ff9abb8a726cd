import { join, relative } from "node:path";
import { type ConfigText, readConfigText } from "../config/index.ts";
import { packageRoot } from "../package-root.ts";
import { reportWithout } from "./report.ts";

/**
 * Reads the config that the user names, or the one that comes with the package.
 * `${PWD}` is where the command runs, however it was started. Its secrets are kept out of reports.
 */
export async function readConfig(file: string | undefined): Promise<ConfigText> {
  const found = file ?? relative(process.cwd(), join(packageRoot, "config/default.yaml"));
  const text = await readConfigText(found, { ...process.env, PWD: process.cwd() });
  reportWithout(text.redact);
  return text;
}
