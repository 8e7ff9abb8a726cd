import { defineStage, ok, type ScoredMention, type Tagging, type Word, wordsOf, z } from "starling-ner";

const version = "names-1";

const options = z.strictObject({
  /** Entity type to names, such as `{ MISC: ["Stranger Things"] }`. Upper and lower case are the same. */
  names: z.record(z.string().min(1), z.array(z.string().min(1)).min(1)),
  /** How often a listed name is meant as listed, 0 to 1; becomes the confidence of its mentions. */
  trust: z.number().min(0).max(1).default(0.9),
});

/**
 * Adds names from a list to what a model found: the products of a company, say, which no model has seen.
 * Where a listed name and a found mention overlap, the listed name stays. Without a model it tags the list alone.
 */
export default defineStage({
  name: "names",
  about: "Tags the names of a list, beside what a model found.",
  uses: ["draft"],
  gives: ["tagging"],
  options,
  async open({ names, trust }) {
    const find = finder(names);
    return {
      async run(batch) {
        return batch.map(({ post, facts: { draft } }) => {
          const listed = find(wordsOf(post)).map((found) => ({ ...found, confidence: trust }));
          return ok({ tagging: merge(draft, listed, trust) });
        });
      },
    };
  },
});

type Found = Omit<ScoredMention, "confidence">;

/** Looks names up word by word: the longest name that begins at a word wins, and the search goes on behind it. */
function finder(names: z.output<typeof options>["names"]): (words: readonly Word[]) => Found[] {
  const types = new Map(
    Object.entries(names).flatMap(([type, list]) => list.map((name) => [key(name), type] as const)),
  );
  const longest = Math.max(...Array.from(types.keys(), (name) => name.split(" ").length));
  return (words) => {
    const found: Found[] = [];
    for (let start = 0; start < words.length; start = Math.max(start + 1, found.at(-1)?.end ?? 0))
      for (let end = Math.min(words.length, start + longest); end > start; end--) {
        const type = types.get(key(joined(words.slice(start, end))));
        if (type === undefined) continue;
        found.push({ start, end, type });
        break;
      }
    return found;
  };
}

const joined = (words: readonly Word[]) => words.map(({ text }) => text).join(" ");
const key = (name: string) => name.toLowerCase().trim().split(/\s+/).join(" ");

function merge(draft: Tagging | undefined, listed: readonly ScoredMention[], trust: number): Tagging {
  const apart = (mention: ScoredMention) =>
    listed.every(({ start, end }) => mention.end <= start || end <= mention.start);
  const kept = (draft?.mentions ?? []).filter(apart);
  const mentions = [...kept, ...listed].sort((a, b) => a.start - b.start);
  const correct = kept.reduce((sum, { confidence }) => sum + confidence, 0) + trust * listed.length;
  return {
    mentions,
    expected: { correct, gold: Math.max(draft?.expected.gold ?? 0, correct) },
    context: draft?.context ?? "text",
    model: draft ? `${draft.model}+${version}` : version,
  };
}
