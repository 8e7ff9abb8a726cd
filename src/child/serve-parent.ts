import type { FromChild, ToChild } from "./messages.ts";

export interface Served<S, Q, A> {
  /** Makes ready; a throw is told to whoever opened this process. */
  open?(spec: S): Promise<void>;
  answer(question: Q): Promise<A>;
}

/** The inside of a process that `openChild` starts: it answers one question after the other, and ends with its parent. */
export function serveParent<S, Q, A>({ open, answer }: Served<S, Q, A>): void {
  const send = (message: FromChild): void => void process.send?.(message);
  process.on("disconnect", () => process.exit(0));
  // A signal of the terminal reaches the whole group; the parent decides what becomes of the work under way.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("message", async (message: ToChild) => {
    try {
      if (message.kind === "open") await open?.(message.spec as S);
      if (message.kind === "open") send({ kind: "ready" });
      else send({ kind: "answer", id: message.id, answer: await answer(message.question as Q) });
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      send(
        message.kind === "open"
          ? { kind: "refused", message: said }
          : { kind: "failed", id: message.id, message: said },
      );
    }
  });
}
