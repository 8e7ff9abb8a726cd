import { type Engine, openEngine } from "./engine.ts";
import type { FromChild, Reply, ToChild, Work } from "./messages.ts";
import { sendFault } from "./send-fault.ts";
import { readWorks, writeReplies } from "./wire.ts";

// Entry of a child process. It ends with its parent: nothing else would end it.
process.on("disconnect", () => process.exit(0));
// A signal of the terminal reaches the whole group; the parent decides what becomes of the posts in flight.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

let engine: Engine | undefined;
/** Of the task that runs. */
let runs: number[] = [];
const send = (message: FromChild): void => void process.send!(message);

process.on("message", (message: ToChild) => {
  void (message.kind === "open" ? open(message) : work(message));
});

async function open({ spec }: Extract<ToChild, { kind: "open" }>): Promise<void> {
  try {
    engine = await openEngine(spec, (...run) => void runs.push(...run));
    send({ kind: "ready", ready: engine.ready });
  } catch (error) {
    send({ kind: "refused", fault: sendFault(error) });
  }
}

let last: Promise<void> = Promise.resolve();

/** One task after the other: a second one only waits here so that the session never idles. */
function work({ id, posts }: Extract<ToChild, { kind: "work" }>): Promise<void> {
  last = last.then(async () => {
    runs = [];
    const replies = writeReplies(await answer(readWorks(posts)));
    send({ kind: "done", id, replies, runs });
  });
  return last;
}

/** What fails together is asked again one by one, once, so that one bad post spares the others. */
async function answer(posts: readonly Work[]): Promise<Reply[]> {
  try {
    return await engine!.answer(posts);
  } catch (error) {
    if (posts.length === 1) return [{ fault: sendFault(error) }];
  }
  const replies: Reply[] = [];
  for (const post of posts) replies.push(...(await answer([post])));
  return replies;
}
