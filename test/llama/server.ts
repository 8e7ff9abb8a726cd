import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { tinyGguf } from "./tiny-gguf.ts";

export interface Llama {
  /** Ends in `/v1`. */
  readonly url: string;
  /** Gone at once, whatever it was doing. */
  kill(): void;
  close(): Promise<void>;
}

/** llama.cpp's server on a tiny random model, in a process of its own; with a key, requests without it are refused. */
export async function startLlama({ key = "" }: { readonly key?: string } = {}): Promise<Llama> {
  const folder = await mkdtemp(join(tmpdir(), "starling-llama-"));
  const model = join(folder, "tiny.gguf");
  await writeFile(model, tinyGguf());
  const child = spawn("python3", [join(import.meta.dirname, "serve.py"), model, key], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let told = "";
  child.stderr.on("data", (chunk) => (told = `${told}${chunk}`.slice(-4000)));
  child.stdin.on("error", () => {}); // it may be gone
  const line = once(createInterface(child.stdout), "line") as Promise<[string]>;
  const [address] = await Promise.race([line, exited(child).then(() => [""] as const)]);
  if (!address.startsWith("http://")) throw new Error(`llama.cpp did not start: ${told}`);
  return {
    url: `${address}/v1`,
    kill: () => void child.kill("SIGKILL"),
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exited(child);
      clearTimeout(timer);
      await rm(folder, { recursive: true });
    },
  };
}

const exited = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
};
