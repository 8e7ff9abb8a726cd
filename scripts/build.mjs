// Builds dist/ for publishing: JavaScript and declarations of src/ and plugins/, without tests.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
const { status } = spawnSync("npx", ["--no-install", "tsc", "--project", "tsconfig.build.json"], {
  cwd: root,
  shell: process.platform === "win32",
  // `npm pack --json` prints JSON on standard output; what tsc says goes beside it.
  stdio: ["ignore", 2, 2],
});
process.exitCode = status ?? 1;
