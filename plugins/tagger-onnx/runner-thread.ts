import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Batch } from "./batch.ts";
import type { EngineSpec, SentFault } from "./messages.ts";
import type { Opened, Outputs, Runner } from "./runner.ts";
import { receiveFault } from "./send-fault.ts";

export type FromThread =
  | { readonly kind: "open"; readonly opened: Opened }
  | { readonly kind: "done"; readonly outputs: Outputs }
  | { readonly kind: "fault"; readonly fault: SentFault };

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** TypeScript in the repository, JavaScript once built. */
const entry = new URL(`./session-thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

/** A model in a thread of its own, which runs one batch after another in the order they came. */
export async function openThread(spec: EngineSpec): Promise<Runner> {
  const thread = new Worker(entry, { workerData: spec });
  const waiting: Waiting<FromThread>[] = [];
  let ended: Error | undefined;
  const next = (): Promise<FromThread> =>
    new Promise((resolve, reject) => {
      if (ended) reject(ended);
      else waiting.push({ resolve, reject });
    });
  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  thread.on("message", (message: FromThread) => waiting.shift()?.resolve(message));
  thread.on("error", (error) => end(error instanceof Error ? error : new Error(String(error))));
  thread.on("exit", (code) => end(new Error(`the thread of the model ended (exit code ${code})`)));

  const first = await next();
  if (first.kind !== "open") {
    await thread.terminate();
    throw first.kind === "fault"
      ? receiveFault(first.fault)
      : new Error("the thread of the model answered before it opened");
  }
  return {
    opened: first.opened,
    apart: true,
    async run(batch: Batch) {
      const reply = next();
      if (!ended) thread.postMessage(batch);
      const message = await reply;
      if (message.kind === "fault") throw receiveFault(message.fault);
      if (message.kind !== "done") throw new Error("the thread of the model opened twice");
      return message.outputs;
    },
    async close() {
      // Ending a thread within a run ends the process, so what runs comes first.
      const closed = next().catch(() => {});
      thread.postMessage("close");
      await closed;
    },
  };
}
