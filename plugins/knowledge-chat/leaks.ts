/** Words in a row that no answer shares with the head by chance. */
const RUN = 12;

/** Tells whether an answer repeats a stretch of the head: a model that was talked into it said nothing of the post. */
export function leakFinder(head: string): (answer: string) => boolean {
  const secret = new Set(runsOf(head));
  return (answer) => runsOf(answer).some((run) => secret.has(run));
}

function runsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, Math.max(0, words.length - RUN + 1)).map((_, i) => words.slice(i, i + RUN).join(" "));
}
