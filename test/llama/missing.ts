import { spawnSync } from "node:child_process";

const found = () => spawnSync("python3", ["-c", "import xllamacpp"], { stdio: "ignore" }).status === 0;

/** Why no llama.cpp can be asked here; false where it can. Continuous integration installs it, so there nothing is skipped. */
export const noLlama: string | false =
  process.env.CI || found() ? false : "llama.cpp is not installed (pip install xllamacpp has its server)";
