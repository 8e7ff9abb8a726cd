import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { eventSchema } from "starling-ner";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const MINUTES = 60_000;
let work: string;
/** An empty folder in which the packed package is installed. */
let user: string;
let inPackage: string;

const env = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  ONNXRUNTIME_NODE_INSTALL: "skip",
};

const execute = promisify(execFile);
const run = (cwd: string, command: string, ...args: string[]) =>
  execute(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
const npm = (cwd: string, ...args: string[]) =>
  run(cwd, "npm", ...args, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
const starling = (...args: string[]) => run(user, "npx", "--no-install", "--loglevel=error", "starling", ...args);
const eventsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => eventSchema.parse(JSON.parse(line)));

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "starling-package-"));
  user = join(work, "user");
  inPackage = join(user, "node_modules/starling-ner");
  await mkdir(user);
  await writeFile(join(user, "package.json"), '{ "private": true, "type": "module" }\n');
  await npm(root, "pack", "--pack-destination", work);
  const tarball = (await readdir(work)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) expect.unreachable("npm pack wrote no tarball");
  await npm(user, "install", join(work, tarball));
}, 10 * MINUTES);

afterAll(async () => {
  if (work !== undefined) await rm(work, { recursive: true, force: true });
});

test("the package holds what runs and what explains, and no sources or tests", async () => {
  const files = await readdir(inPackage, { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining([
      "LICENSE",
      "NOTICE",
      "README.md",
      "CHANGELOG.md",
      "bin/starling.js",
      "config/default.yaml",
      "dist/src/cli.js",
      "dist/src/index.d.ts",
      "dist/plugins/index.js",
      "examples/posts.ndjson",
      "docs/README.md",
    ]),
  );
  expect(files.filter((file) => /\.test(-help)?\.[jt]s$|^(src|plugins|test|bench|scripts)\//.test(file))).toEqual([]);
});

test("starling --help runs from the installed package", async () => {
  const { stdout } = await starling("--help");
  expect(stdout).toMatch(/Usage: starling/);
});

test("every built-in plugin can be imported from the installed package", async () => {
  const { stdout } = await starling("plugins", "--json");
  const names = stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { name: string }).name);
  expect(names).toEqual(expect.arrayContaining(["draft", "final", "sink-file", "source-file"]));
});

test("the example pipeline, copied out of the package, runs a stage written in TypeScript", async () => {
  await cp(join(inPackage, "examples"), join(user, "examples"), { recursive: true });
  const { stdout } = await starling("run", "examples/names.yaml");
  const found = eventsOf(stdout).flatMap(({ entities }) => entities.map(({ text }) => text));
  expect(found).toContain("Golden Gate Bridge");
});

test("starling run tags the sample posts with the model of the package", async (context) => {
  const config = await readFile(join(inPackage, "config/default.yaml"), "utf8");
  const model = /model: \.\.\/(models\/[\w.-]+)/.exec(config)?.[1] ?? expect.unreachable("the config names no model");
  if (!existsSync(join(inPackage, model))) return context.skip(`${model} is not in the package`);
  const { stdout } = await starling("run");
  const events = eventsOf(stdout);
  expect(events.length).toBeGreaterThanOrEqual(30);
  expect(events.filter(({ entities }) => entities.length > 0).length).toBeGreaterThanOrEqual(10);
});

test(
  "a plugin author's types come with the package",
  async () => {
    await writeFile(
      join(user, "check.ts"),
      `import { defineStage, ok, type Post, type Stage, z } from "starling-ner";
import { testStage } from "starling-ner/testing";
const plugin = defineStage({
  name: "shout",
  about: "Says it again.",
  gives: ["captions"],
  options: z.strictObject({ times: z.int().default(2) }),
  async open({ times }) {
    const n: number = times;
    return { run: async (batch) => batch.map(({ post }) => ok({ captions: [{ image: n, text: post.text, source: "shout" }] })) };
  },
});
// @ts-expect-error the stage gives captions, no knowledge
const wrong: Promise<Stage<never, never, "knowledge">> = plugin.open({ times: 1 }, {} as never);
export const post: Post = { id: "1", text: "a" };
export { testStage, wrong };
`,
    );
    const types = join(root, "node_modules/@types");
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--lib",
      "es2024,esnext.disposable",
    ];
    const { stdout } = await run(
      user,
      join(root, "node_modules/.bin/tsc"),
      ...flags,
      "--typeRoots",
      types,
      "--types",
      "node",
      "check.ts",
    ).catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  },
  MINUTES,
);
