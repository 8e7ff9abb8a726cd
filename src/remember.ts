/** Longer keys are not kept: they are hardly ever asked twice, and would fill the memory. */
const MAX_KEY_LENGTH = 400;

/**
 * A pure function of a word that keeps what it said of the last ones: between `entries` and twice as many. Two
 * generations bound the memory without the book-keeping of a true LRU: what was used since the last turn survives.
 */
export function remember<T extends {}>(read: (word: string) => T, entries: number): (word: string) => T {
  let young = new Map<string, T>();
  let old = young;
  return (word) => {
    const known = young.get(word);
    if (known !== undefined) return known;
    const value = old.get(word) ?? read(word);
    if (word.length > MAX_KEY_LENGTH) return value;
    if (young.size >= entries) [old, young] = [young, new Map()];
    young.set(word, value);
    return value;
  };
}
