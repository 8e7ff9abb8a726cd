import fc from "fast-check";
import { expect, test } from "vitest";
import { packNumbers, unpackNumbers } from "./numbers.ts";

const count = fc.nat(100_000);
const entity = fc.record({
  start: count,
  end: count,
  type: fc.constantFrom("PER", "LOC", "a type with spaces, and a comma"),
  confidence: fc.nat(250).map((part) => part / 250),
  words: fc.integer({ min: 1, max: 3 }),
  capitals: fc.boolean(),
});
const agreement = fc.record({ both: count, first: count, second: count });
const input = fc.record(
  {
    ...{ characters: count, words: count, language: fc.constantFrom("en", "und"), images: count },
    ...{ knowledgeCharacters: count, novelty: fc.record({ words: count, unknown: count }) },
  },
  { requiredKeys: ["characters", "words", "language", "images", "knowledgeCharacters"] },
);
const thousandth = fc.nat(1e6).map((part) => part / 1000);

test("what is kept of an event comes back as it was", () => {
  const known: string[] = [];
  const names = {
    idOf: (name: string) => (known.includes(name) ? known.indexOf(name) : known.push(name) - 1),
    nameOf: (id: number) => known[id]!,
  };
  const seen = fc.record({
    entities: fc.array(entity, { maxLength: 5 }),
    expected: fc.option(fc.record({ correct: thousandth, gold: thousandth }), { nil: undefined }),
    input: fc.option(input, { nil: undefined }),
    captionCharacters: count,
    llm: fc.option(agreement, { nil: undefined }),
  });
  fc.assert(
    fc.property(seen, (given) => {
      expect(unpackNumbers(packNumbers(given, names), names)).toEqual(given);
    }),
  );
});
