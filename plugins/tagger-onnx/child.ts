import { type Engine, openEngine, type SeeRun } from "./engine.ts";
import type { FromChild, Reply, ToChild, Work } from "./messages.ts";
import { sendFault } from "./send-fault.ts";
import { readWorks, writeReplies } from "./wire.ts";

// Entry of a child process. It ends with its parent: nothing else would end it, not even within a run.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// A signal of the terminal reaches the whole group; the parent decides what becomes of the posts in flight.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

let engine: Engine | undefined;
const send = (message: FromChild): void => void process.send!(message);

process.on("message", (message: ToChild) => {
  if (message.kind === "open") void open(message);
  else work(message);
});

async function open({ spec }: Extract<ToChild, { kind: "open" }>): Promise<void> {
  try {
    engine = await openEngine(spec);
    send({ kind: "ready", ready: engine.ready });
  } catch (error) {
    send({ kind: "refused", fault: sendFault(error) });
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Replies go out in the order of their tasks. A second task waits here so that the session never idles, or is made ready. */
function work({ id, posts }: Extract<ToChild, { kind: "work" }>): void {
  const runs: number[] = [];
  const begin = () => answer(readWorks(posts), (...run) => void runs.push(...run));
  const answered = engine!.overlaps ? begin() : last.then(begin);
  last = Promise.all([answered, last]).then(([replies]) =>
    send({ kind: "done", id, replies: writeReplies(replies), runs }),
  );
}

/** What fails together is asked again one by one, once, so that one bad post spares the others. */
async function answer(posts: readonly Work[], see: SeeRun): Promise<Reply[]> {
  try {
    return await engine!.answer(posts, see);
  } catch (error) {
    if (posts.length === 1) return [{ fault: sendFault(error) }];
  }
  const replies: Reply[] = [];
  for (const post of posts) replies.push(...(await answer([post], see)));
  return replies;
}
