// Brings the dependencies that `npm start` and `npm test` need, when they are missing or not those of package-lock.json.
// Plain JavaScript: it runs on the machine's own Node, before Node 24 is here. Standard output belongs to the events.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const inProject = (...parts) => join(root, ...parts);
const windows = process.platform === "win32";

/** npm lists in node_modules/.package-lock.json what it installed: every version must be the one asked for. */
function installed() {
  const hidden = inProject("node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const have = packages(hidden);
  return Object.entries(packages(inProject("package-lock.json"))).every(
    ([path, { version, optional }]) => path === "" || (have[path] ? have[path].version === version : optional),
  );
}

function install() {
  process.stderr.write("Installing dependencies (npm ci); this happens once …\n");
  // onnxruntime-node's install step downloads CUDA libraries, which few need; docs/operate.md says how to get them.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const { status, error } = spawnSync(
    "npm",
    ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      env,
      shell: windows,
      stdio: ["ignore", 2, 2],
    },
  );
  if (status === 0) return;
  fail(`"npm ci" failed${error ? `: ${error.message}` : ""}. It needs the npm registry, or a filled npm cache.`);
}

/** npm scripts find node_modules/.bin first, where the package `node` puts Node 24. */
function checkNode() {
  const path = [inProject("node_modules", ".bin"), process.env.PATH].join(delimiter);
  const { stdout } = spawnSync("node", ["--version"], {
    env: { ...process.env, PATH: path },
    shell: windows,
    encoding: "utf8",
  });
  const version = stdout?.trim() ?? "";
  if (Number(/^v(\d+)/.exec(version)?.[1]) >= 24) return;
  fail(
    `Node 24 or later is needed, and "npm ci" left ${version || "none"}. The package "node" brings it with an install script: ` +
      "allow install scripts (npm config get ignore-scripts), remove node_modules and try again, or install Node 24.",
  );
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (!installed()) {
  install();
  checkNode();
}
