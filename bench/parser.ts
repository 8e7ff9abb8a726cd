/**
 * How many of PGIM's published answers are read: an answer is where it gives a list whose length is the highest number
 * that stands in it, each name without a number or a bracket at its border, or a clear "none". The data lies beside the
 * repository; `--show` prints what was not read.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAnswer, parseKnowledge } from "starling-ner";
import type { Bench } from "./run.ts";

const data = join(import.meta.dirname, "../../shared/data/mner");
const files = ["twitter2015", "twitter2017"].flatMap((set) =>
  ["train", "valid"].map((part) => join(data, set, "pgim", `${part}.txt`)),
);

const parser: Bench = async ({ args }) => {
  if (!files.every((file) => existsSync(file))) {
    console.log(`${data} is not here`);
    return { bench: "parser", ratio: null };
  }
  const answers = files.flatMap((file) => parseKnowledge(readFileSync(file, "utf8"), file)).map((one) => one.knowledge);
  const unread = answers.filter((answer) => !read(answer));
  if (args.includes("--show")) for (const answer of unread) console.log(`- ${answer.slice(0, 240)}`);
  const ratio = (answers.length - unread.length) / answers.length;
  console.log(`${answers.length - unread.length} of ${answers.length} answers read, ${(100 * ratio).toFixed(2)}%`);
  return { bench: "parser", answers: answers.length, unread: unread.length, ratio, wanted: 0.99 };
};
export default parser;

function read(text: string): boolean {
  const answer = parseAnswer(text);
  if (answer === undefined) return false;
  const listed = highest(text.split(/Reasoning\s*:/)[0]!);
  const clean = answer.entities.every(
    ({ text, type }) =>
      text !== "" && text.length < 120 && !/^\d+[.)]\s|\(\w+$|Reasoning/.test(text) && !/\d\.\s/.test(type),
  );
  return clean && answer.entities.length === Math.max(listed, answer.entities.length > 0 ? 1 : 0);
}

/** The last of the numbers 1, 2, 3… that stand in a text in this order, each with a dot or a bracket after it. */
function highest(text: string): number {
  let [at, number] = [0, 0];
  for (;;) {
    const next = new RegExp(`(?<![\\d.]|\\d,)${number + 1}[.)]`, "g");
    next.lastIndex = at;
    if (!next.test(text)) return number;
    at = next.lastIndex;
    number++;
  }
}
