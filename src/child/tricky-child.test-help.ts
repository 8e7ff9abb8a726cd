import { setTimeout as sleep } from "node:timers/promises";
import { serveParent } from "./serve-parent.ts";

let greeting = "";
serveParent<{ greeting: string } | undefined, string, string>({
  async open(spec) {
    if (spec?.greeting === "refuse") throw new Error("not today");
    if (spec?.greeting === "die") process.exit(7);
    greeting = spec?.greeting ?? "";
  },
  async answer(question) {
    if (question === "throw") throw new RangeError("too hard");
    if (question === "die") process.exit(3);
    if (question === "hang") while (true);
    if (question === "env") return JSON.stringify(Object.keys(process.env));
    if (question.startsWith("wait ")) await sleep(Number(question.slice(5)));
    return `${greeting} ${question} ${process.pid}`;
  },
});
