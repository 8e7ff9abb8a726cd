import { counted } from "../counted.ts";
import { isFault } from "../errors.ts";
import type { RunSummary } from "../flow/types.ts";
import { printableLines } from "../printable.ts";
import type { CorpusPost, Estimate, Recorder, sourcePosts } from "../record/index.ts";

/** Servers have a say in some of it: nothing that a terminal obeys comes through. */
export const say = (line: string): void => void process.stderr.write(`${printableLines(line)}\n`);
export const usd = (amount: number): string => `${amount.toFixed(amount < 0.1 ? 4 : 2)} USD`;

export function tellEstimate(
  { posts, requests, known, inputTokens, outputTokens, models, unpriced, ...cost }: Estimate,
  before: number,
) {
  const notes = [
    ...(before > 0 ? [`${before} recorded before`] : []),
    ...(known > 0 ? [`about ${counted(known, "question")} answered or under way`] : []),
  ];
  const task = `${counted(posts, "post")} to record${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
  if (requests === 0) return `${task}, ${known > 0 ? "nothing more" : "no LLM"} is asked`;
  const asked = `${task}: about ${counted(requests, "request")} to ${models.join(", ")}, ${inputTokens} + ${outputTokens} tokens`;
  const money = `about ${usd(cost.usd)}, at most ${usd(cost.worstUsd)} without retries`;
  if (unpriced.length === 0) return `${asked}, ${money}`;
  return `${asked}${cost.usd > 0 ? `, ${money}` : ""}; no price is known of ${unpriced.join(", ")}`;
}

export function tellEnd(written: number, posts: number, { meter }: Recorder, { passed, failed }: RunSummary): string {
  const reasons = Object.entries({ ...passed, ...failed }).flatMap(([stage, counts]) =>
    Object.entries(counts).map(([reason, count]) => `${stage}: ${reason} ${count}`),
  );
  const why = written < posts && reasons.length > 0 ? ` (${reasons.join("; ")}); start again to ask of the others` : "";
  return `${written} of ${posts} recorded, ${counted(meter.requests, "request")}, ${usd(meter.usd)}${why}`;
}

/** Of posts that are recorded, and yet lack something: they are not asked of again. */
export function tellLacking({ meter: { lacking } }: Recorder): string | undefined {
  if (lacking.posts === 0) return undefined;
  const reasons = [...lacking.reasons].map(([reason, count]) => `${reason} ${count}`);
  return `${lacking.posts} recorded without what a stage before failed to give (${reasons.join("; ")})`;
}

/** The posts; lines that are none are counted by what is wrong with them, and the first one is told. */
export function readable({ posts, unreadable }: Awaited<ReturnType<typeof sourcePosts>>): readonly CorpusPost[] {
  const [first] = unreadable;
  if (first === undefined) return posts;
  const counts = new Map<string, number>();
  for (const error of unreadable) {
    const code = isFault(error) ? error.code : error.name;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const codes = [...counts].map(([code, count]) => `${code} ${count}`).join(", ");
  const are = unreadable.length === 1 ? "line is no post and is" : "lines are no posts and are";
  say(`${unreadable.length} ${are} left out (${codes}); the first: ${first.message}`);
  return posts;
}
