#!/usr/bin/env node
// The command `starling`. Plain JavaScript that any Node can read, so that an old one gets a sentence, not a stack trace.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = new URL("../src/cli.ts", import.meta.url);

if (Number(process.versions.node.split(".")[0]) < 24) {
  const mend = existsSync(source)
    ? "In a clone, npm start and npm test bring it along; after one of them, npx starling finds it."
    : "Install Node 24 (https://nodejs.org), or add it to this project: npm install --save-dev node@24";
  process.stderr.write(
    `starling needs Node 24 or later; this is Node ${process.versions.node} (${process.execPath}).\n${mend}\n`,
  );
  process.exitCode = 2;
} else if (existsSync(source)) {
  fromClone();
} else {
  await import("../dist/src/cli.js");
}

/** In a clone the TypeScript runs as it stands; the condition makes the package's own name mean src, not dist. */
function fromClone() {
  const child = spawn(process.execPath, ["--conditions=source", fileURLToPath(source), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // A terminal sends Ctrl-C to both processes; the child takes two that come together for one, and decides when both end.
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => child.kill(name));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
  });
}
