import { parentPort, workerData } from "node:worker_threads";
import type { Batch } from "./batch.ts";
import type { EngineSpec } from "./messages.ts";
import { openHere, type Runner } from "./runner.ts";
import type { FromThread } from "./runner-thread.ts";
import { sendFault } from "./send-fault.ts";

// Entry of the thread that holds a model. One message in, one message out, in order.
const port = parentPort!;
const send = (message: FromThread): void => port.postMessage(message);

let runner: Runner | undefined;
try {
  runner = await openHere(workerData as EngineSpec);
  send({ kind: "open", opened: runner.opened });
} catch (error) {
  send({ kind: "fault", fault: sendFault(error) });
}

let last: Promise<void> = Promise.resolve();
port.on("message", (message: Batch | "close") => {
  last = last.then(() => (message === "close" ? close() : run(message)));
});

async function run(batch: Batch): Promise<void> {
  try {
    const outputs = await runner!.run(batch);
    const { scores, hidden } = outputs;
    send({ kind: "done", outputs: { scores: plain(scores), hidden: plain(hidden) } });
  } catch (error) {
    send({ kind: "fault", fault: sendFault(error) });
  }
}

/** Tensors are objects of a class, which a message cannot hold. */
const plain = ({ data, dims }: { data: Float32Array; dims: readonly number[] }) => ({ data, dims: [...dims] });

async function close(): Promise<void> {
  await runner?.close();
  port.close();
}
