/** Words in a row that no answer shares with the head by chance. */
const RUN = 12;

/** Tells whether an answer repeats a stretch of the head: a model that was talked into it said nothing of the post. */
export function leakFinder(head: string): (answer: string) => boolean {
  const words = wordsOf(head);
  const known = new Set(words);
  const runs = new Set(words.slice(0, Math.max(0, words.length - RUN + 1)).map((_, i) => runAt(words, i)));
  return (answer) => {
    const said = wordsOf(answer);
    // A run can only be found where so many words in a row are words of the head at all.
    let row = 0;
    return said.some((word, i) => {
      row = known.has(word) ? row + 1 : 0;
      return row >= RUN && runs.has(runAt(said, i - RUN + 1));
    });
  };
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const runAt = (words: readonly string[], at: number): string => words.slice(at, at + RUN).join(" ");
