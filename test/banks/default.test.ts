import { join } from "node:path";
import { expect, test } from "vitest";
import { checkBank, readBank, similarPairs } from "../../src/bank/index.ts";
import { parseAnswer } from "../../src/knowledge/index.ts";

const { demonstrations } = await readBank(join(import.meta.dirname, "../../banks/default.ndjson"));
const types = { PER: "person", LOC: "location", ORG: "organization", MISC: "miscellaneous" } as const;

test("the bank that comes with the package has 120 demonstrations or more, most with a caption", () => {
  const { withCaption } = checkBank(demonstrations);
  expect(demonstrations.length).toBeGreaterThanOrEqual(120);
  expect(withCaption / demonstrations.length).toBeGreaterThan(0.8);
});

test("no two of its demonstrations share half of their 5-grams", () => {
  expect(similarPairs(demonstrations)).toEqual([]);
  // Nor a fifth of them, as it was written.
  expect(similarPairs(demonstrations, 0.2)).toEqual([]);
});

test("a tenth of it has no entity, and it has each of the four types", () => {
  const { withoutEntities, types: counts } = checkBank(demonstrations);
  const share = withoutEntities / demonstrations.length;
  expect(share).toBeGreaterThanOrEqual(0.1);
  expect(share).toBeLessThan(0.15);
  expect(Object.keys(counts).sort()).toEqual(Object.keys(types).sort());
  for (const count of Object.values(counts)) expect(count).toBeGreaterThanOrEqual(40);
});

test.each(demonstrations)("$id names its entities in the list, as they stand in the post, and gives reasons", (one) => {
  const [head, ...lines] = one.answer.split("\n");
  expect(head).toBe("Named entities:");
  const reasoning = lines.pop()!;
  expect(reasoning).toMatch(/^Reasoning: \S.{60,}\.$/);
  if (one.entities.length === 0) return expect(lines).toEqual(["None."]);
  const listed = lines.map((line) => /^(\d+)\. (.+) \((\w+), .+\)$/.exec(line)!.slice(1));
  expect(listed).toEqual(
    one.entities.map(({ text, type }, i) => [String(i + 1), text, types[type as keyof typeof types]]),
  );
  for (const { text } of one.entities) expect(one.text).toContain(text);
});

/** Words of a caption that mean something, without their endings. */
const wordsOf = (caption: string) =>
  caption
    .match(/\p{L}{3,}/gu)!
    .filter((word) => !["the", "and", "with"].includes(word))
    .map((word) => word.replace(/(?<=...)(es|s|ing)$/, ""));

test.each(demonstrations)("$id says what its picture shows, or that it has none", ({ caption, answer }) => {
  const reasoning = answer.slice(answer.indexOf("Reasoning:"));
  if (caption === undefined) expect(reasoning).toMatch(/[Nn]o picture|without a picture/);
  else expect(wordsOf(caption).filter((word) => reasoning.includes(word))).not.toEqual([]);
});

test.each(demonstrations)("the parser of answers reads the entities of $id", ({ answer, entities }) => {
  const read = parseAnswer(answer);
  expect(read?.entities.map(({ text }) => text)).toEqual(entities.map(({ text }) => text));
});
