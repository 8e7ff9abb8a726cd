import { join, relative } from "node:path";
import { type ConfigText, readConfigText } from "../config/index.ts";
import { packageRoot } from "../package-root.ts";

/**
 * Reads the config that the user names, or the one that comes with the package.
 * `${PWD}` is where the command runs, however it was started.
 */
export function readConfig(file: string | undefined): Promise<ConfigText> {
  return readConfigText(file ?? relative(process.cwd(), join(packageRoot, "config/default.yaml")), {
    ...process.env,
    PWD: process.cwd(),
  });
}
