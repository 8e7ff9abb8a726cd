import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const plugin = (name: string): string => join(root, "test/fixtures/plugins", `${name}.ts`);

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from the start to the end. */
  readonly tookMs: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves once standard output holds `text`. */
  sees(text: string): Promise<void>;
}

export interface Start {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; at its end it is closed. */
  readonly input?: string;
}

/** Starts the real command line as a process of its own. */
export function start(args: readonly string[], { cwd = freshFolder(), env = {}, input = "" }: Start = {}): Running {
  const began = performance.now();
  const child = spawn(process.execPath, ["--conditions=source", join(root, "src/cli.ts"), ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}).end(input);
  const ended = new Promise<Ran>((done) =>
    child.on("close", (code) => done({ code, stdout, stderr, tookMs: performance.now() - began })),
  );
  const sees = (text: string) =>
    new Promise<void>((done, refuse) => {
      const look = () => stdout.includes(text) && done();
      child.stdout.on("data", look);
      void ended.then((ran) => refuse(new Error(`ended without "${text}": ${JSON.stringify(ran)}`)));
      look();
    });
  return { child, ended, sees };
}

export const starling = (args: readonly string[], given?: Start): Promise<Ran> => start(args, given).ended;

export const freshFolder = (): string => mkdtempSync(join(tmpdir(), "starling-"));

/** Writes a config into a folder of its own, and answers its path. */
export function configFile(source: string): string {
  const file = join(freshFolder(), "config.yaml");
  writeFileSync(file, source);
  return file;
}

/** Standard input through the tiny tagger, or another, to standard output; `stages` stand between draft and final. */
export const tinyConfig = ({
  source = "{ use: source-file }",
  stages = "",
  tagger = `{ use: "${plugin("tiny-tagger")}" }`,
} = {}): string => `
source: ${source}
resources:
  tagger: ${tagger}
stages:
  - { use: draft, batch: 8, waitMs: 1 }
${stages}
  - { use: final, batch: 8, waitMs: 1 }
sink: { use: sink-file, options: { path: "-", format: ndjson } }
deadLetters: { use: sink-file, options: { path: letters.ndjson, format: ndjson, append: true } }
`;
