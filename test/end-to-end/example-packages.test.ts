import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { eventSchema } from "starling-ner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { says, startServer } from "../../examples/packages/starling-chat-ollama/test/server.ts";

const root = join(import.meta.dirname, "../..");
const MINUTES = 60_000;
const names = ["starling-chat-ollama", "starling-tagger-gazetteer"];
let work: string;

const env = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  ONNXRUNTIME_NODE_INSTALL: "skip",
  NODE_OPTIONS: "",
};
const run = (cwd: string, command: string, ...args: string[]) =>
  promisify(execFile)(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
const npm = (cwd: string, ...args: string[]) =>
  run(cwd, "npm", ...args, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
const tarballIn = async (folder: string, name: string) =>
  join(folder, (await readdir(folder)).find((file) => file.startsWith(`${name}-`) && file.endsWith(".tgz"))!);
const emptyFolder = async (name: string) => {
  await mkdir(join(work, name));
  await writeFile(join(work, name, "package.json"), '{ "private": true, "type": "module" }\n');
  return join(work, name);
};

/** Where the packages' author works: the packed starling-ner is installed, the tools are those of this repository. */
let author: string;
/** An empty folder in which all three are installed by name. */
let user: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "starling-examples-"));
  author = await emptyFolder("author");
  user = await emptyFolder("user");
  await npm(root, "pack", "--pack-destination", work);
  const starling = await tarballIn(work, "starling-ner");
  await npm(author, "install", starling);
  await mkdir(join(author, "node_modules/@types"), { recursive: true });
  await symlink(join(root, "node_modules/@types/node"), join(author, "node_modules/@types/node"));
  await symlink(join(root, "node_modules/.bin/tsc"), join(author, "node_modules/.bin/tsc"));
  for (const name of names) {
    await cp(join(root, "examples/packages", name), join(author, name), { recursive: true });
    await npm(join(author, name), "pack", "--pack-destination", work);
  }
  await npm(user, "install", starling, ...(await Promise.all(names.map((name) => tarballIn(work, name)))));
}, 10 * MINUTES);

afterAll(async () => {
  if (work !== undefined) await rm(work, { recursive: true, force: true });
});

test.each(names)(
  "%s keeps the contract of its port, against the packed starling-ner",
  async (name) => {
    const { stdout } = await run(join(author, name), "npm", "test").catch((error: { stdout: string }) => error);
    expect(stdout).toMatch(/fills (?:chat|tagger)@1 and (?:names|describes) its model/);
    expect(stdout).toMatch(/^(?:#|ℹ) fail 0$/m);
  },
  MINUTES,
);

test.each(names)("%s is packed as JavaScript with its declarations, without sources and tests", async (name) => {
  const files = await readdir(join(user, "node_modules", name), { recursive: true });
  expect(files).toEqual(expect.arrayContaining(["README.md", "package.json", "dist/index.js", "dist/index.d.ts"]));
  expect(files.filter((file) => /^(?:src|test)|tsconfig/.test(file))).toEqual([]);
});

test(
  "installed by name, both run in one pipeline: the tagger drafts, the language model is asked, the tagger reads what it said",
  async () => {
    const server = await startServer((response) => says(response, "1. Cork (city in Ireland)"));
    await writeFile(join(user, "names.json"), JSON.stringify({ LOC: ["Cork"], PER: ["Nora Winter"] }));
    const post = { id: "1", text: "Nora Winter sings in Cork" };
    await writeFile(join(user, "posts.ndjson"), `${JSON.stringify(post)}\n`);
    const bank = {
      id: "b1",
      text: "Off to Galway",
      answer: "1. Galway (city)",
      entities: [{ text: "Galway", type: "LOC" }],
    };
    await writeFile(join(user, "bank.ndjson"), `${JSON.stringify(bank)}\n`);
    await writeFile(
      join(user, "config.yaml"),
      `source: { use: source-file, options: { path: posts.ndjson } }
resources:
  tagger: { use: starling-tagger-gazetteer, options: { list: names.json } }
  bank: { use: bank-file, options: { path: bank.ndjson } }
  ollama: { use: starling-chat-ollama, options: { url: "${server.url}", model: "qwen3:4b" } }
  llm: { use: chat-guard, options: { chat: ollama } }
stages:
  - { use: draft }
  - { use: retriever-msea }
  - { use: gate, options: { mode: always } }
  - { use: knowledge-chat, options: { chat: llm, structured: false } }
  - { use: final }
sink: { use: sink-file, options: { path: "-", format: ndjson } }
deadLetters: { use: sink-file, options: { path: letters.ndjson } }
`,
    );
    const { stdout } = await run(user, "npx", "--no-install", "--loglevel=error", "starling", "run", "config.yaml");
    await server.close();
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => eventSchema.parse(JSON.parse(line)));
    expect(server.asked.map(({ model, messages }) => [model, messages.at(-1)?.content.includes("Nora")])).toEqual([
      ["qwen3:4b", true],
    ]);
    expect(events.map(({ revision, entities }) => [revision, ...entities.map((e) => [e.text, e.confidence])])).toEqual([
      [0, ["Nora Winter", 0.8], ["Cork", 0.8]],
      [1, ["Nora Winter", 0.8], ["Cork", 0.9]],
    ]);
    expect(events[1]).toMatchObject({
      model: expect.stringMatching(/^gazetteer-/),
      knowledge: { neighbours: ["b1"], names: [{ text: "Cork", inPost: true }] },
    });
  },
  MINUTES,
);
