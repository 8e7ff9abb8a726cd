import { spawnSync } from "node:child_process";

const found = (program: string, args: readonly string[]) => spawnSync(program, args, { stdio: "ignore" }).status === 0;

/** What a real broker needs and this machine lacks; false where nothing does. Continuous integration installs it, so there nothing is skipped. */
export const noBroker: string | false = lacking();

function lacking(): string | false {
  if (process.env.CI) return false;
  if (process.platform === "win32") return "the broker's scripts need bash";
  if (!found("java", ["-version"])) return "a broker needs Java 17 or later";
  if (!found("mvn", ["-version"])) return "the broker's jars come through Maven, which is not installed";
  return false;
}
