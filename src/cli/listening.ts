import type { Logs } from "./logger.ts";

/** Tells where pages are served, on standard error: as a JSON line where those were asked for, else as a sentence. */
export const listening =
  ({ log, note }: Pick<Logs, "log" | "note">) =>
  (address: string, pages: readonly string[]): void => {
    if (note === undefined) process.stderr.write(`listening on ${address} (${pages.join(", ")})\n`);
    else log("http", "listening", { address, pages });
  };
