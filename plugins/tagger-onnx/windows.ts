/** A half-open range of word indices. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Window {
  /** Words the window reads. */
  readonly words: Span;
  /** Words it answers for: those with more context here than in the neighbouring windows. */
  readonly keep: Span;
}

/** Share of a window that it has in common with the next one. */
const OVERLAP = 0.25;

/**
 * Covers a text with overlapping windows of at most `capacity` sub-words, never inside a word.
 * `bounds[w]` is the first sub-word of word `w`, and `bounds[words]` their number; no word is longer than `capacity`.
 */
export function joinWindows(bounds: readonly number[], capacity: number): Window[] {
  const spans: Span[] = [];
  const count = bounds.length - 1;
  for (let start = 0, end = 0; end < count; start = startAfter(bounds, { start, end }, capacity)) {
    end = lastFitting(bounds, start, capacity);
    spans.push({ start, end });
  }
  return spans.map((words, index) => ({
    words,
    keep: {
      start: index === 0 ? 0 : middle(bounds, spans[index - 1]!, words),
      end: index === spans.length - 1 ? count : middle(bounds, words, spans[index + 1]!),
    },
  }));
}

function lastFitting(bounds: readonly number[], start: number, capacity: number): number {
  let end = start + 1;
  while (end + 1 < bounds.length && bounds[end + 1]! - bounds[start]! <= capacity) end++;
  return end;
}

/** The next window repeats a quarter of this one, but always gains a word on it. */
function startAfter(bounds: readonly number[], { start, end }: Span, capacity: number): number {
  const count = bounds.length - 1;
  if (end >= count) return end;
  let next = end;
  while (next - 1 > start && bounds[end]! - bounds[next - 1]! <= capacity * OVERLAP) next--;
  // The word after `end` must fit as well, or the next window would end where this one does.
  while (bounds[end + 1]! - bounds[next]! > capacity) next++;
  return next;
}

/** The first word whose distance to the end of `a` is smaller than that to the start of `b`. */
function middle(bounds: readonly number[], a: Span, b: Span): number {
  const half = (bounds[a.end]! + bounds[b.start]!) / 2;
  let word = b.start;
  while (word < a.end && bounds[word]! < half) word++;
  return word;
}
