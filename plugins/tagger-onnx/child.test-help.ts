import { existsSync, writeFileSync } from "node:fs";
import type { FromChild, Reply, ToChild, Work } from "./messages.ts";
import { readWorks, writeReplies } from "./wire.ts";

// A child process without a model: the first id of a post says what becomes of it.
process.on("disconnect", () => process.exit(0));
let file = "";
const send = (message: FromChild): void => void process.send!(message);

process.on("message", (message: ToChild) => {
  if (message.kind === "open") open(message.spec.source);
  else send({ kind: "done", id: message.id, replies: writeReplies(readWorks(message.posts).map(reply)) });
});

function open(source: { readonly kind: string; readonly file?: string }): void {
  file = source.file ?? "";
  if (file === "die") process.exit(3);
  if (file === "refuse")
    send({ kind: "refused", fault: { code: undefined, details: undefined, message: "refused on purpose" } });
  else
    send({
      kind: "ready",
      ready: { provider: "cpu", fellBack: undefined, nodes: undefined, batch: 1, vocabulary: undefined },
    });
}

function reply({ rows, words }: Work): Reply {
  const does = rows[0]!.ids[0];
  if (does === 1) process.kill(process.pid, "SIGKILL");
  if (does === 2) for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  if (does === 3) return { fault: { code: undefined, details: undefined, message: "this post throws" } };
  if (does === 4 && !existsSync(file)) {
    writeFileSync(file, "");
    process.kill(process.pid, "SIGKILL");
  }
  return { answer: { mentions: [], expected: { correct: 0, gold: words }, vector: Float32Array.of(1) } };
}
