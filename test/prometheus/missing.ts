import { spawnSync } from "node:child_process";

const found = (program: string) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

/** Why Prometheus cannot be asked here; false where it can. Continuous integration installs it, so there nothing is skipped. */
export const noPrometheus: string | false =
  process.env.CI || (found("promtool") && found("prometheus"))
    ? false
    : "prometheus and promtool are not installed (Debian's package prometheus has both)";
