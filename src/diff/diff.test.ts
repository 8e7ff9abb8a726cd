import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toEvent } from "../event.ts";
import { compare, diffResults, type PostDifference, resultsOf, tellSummary } from "./index.ts";

const entity = fc
  .record({ start: fc.nat(6), length: fc.integer({ min: 1, max: 3 }), type: fc.constantFrom("PER", "LOC", "ORG") })
  .map(({ start, length, type }) => ({ text: `${start}+${length}`, type, start, end: start + length }));
const entities = fc.uniqueArray(entity, {
  maxLength: 6,
  selector: ({ start, end, type }) => `${start}:${end}:${type}`,
});
const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).sort();

describe("two lists of entities", () => {
  test("every entity of either side is kept, gained, lost or changed, and nothing else is", () => {
    fc.assert(
      fc.property(entities, entities, (before, after) => {
        const { kept, gained, lost, changed } = compare(before, after);
        const was = changed.map(({ text, start, end, before }) => ({ text, type: before, start, end }));
        const is = changed.map(({ text, start, end, after }) => ({ text, type: after, start, end }));
        expect(sorted([...kept, ...lost, ...was])).toEqual(sorted(before));
        expect(sorted([...kept, ...gained, ...is])).toEqual(sorted(after));
        for (const { before, after } of changed) expect(before).not.toBe(after);
        // What could be a change of type is told as one.
        for (const one of gained)
          expect(lost.some(({ start, end }) => start === one.start && end === one.end)).toBe(false);
      }),
    );
  });

  test("the other way round gains and losses change places", () => {
    fc.assert(
      fc.property(entities, entities, (one, other) => {
        const [there, back] = [compare(one, other), compare(other, one)];
        expect([there.gained.length, there.lost.length, there.changed.length]).toEqual([
          back.lost.length,
          back.gained.length,
          back.changed.length,
        ]);
        expect(compare(one, one)).toEqual({ gained: [], lost: [], changed: [], kept: one });
      }),
    );
  });
});

interface Given {
  readonly offset: number;
  readonly types: readonly string[];
  readonly revision?: 0 | 1;
  readonly version?: string;
}

/** An event with one entity for each word of `Ada Bo Cy`, of these types. */
function event({ offset, types, revision = 0, version = "v1" }: Given) {
  const mentions = types
    .map((type, i) => ({ start: i, end: i + 1, type, confidence: 0.5 }))
    .filter(({ type }) => type !== "");
  return toEvent(
    {
      post: { id: `p${offset}`, text: "Ada Bo Cy" },
      origin: { lane: "posts/3", offset: String(offset), bytes: () => Buffer.of() },
      facts: { draft: { mentions, expected: { correct: 0, gold: 0 }, context: "text", model: "m" } },
      passed: [],
      degraded: [],
      timings: { totalMs: 0, stages: {} },
    },
    { revision, final: true, pipeline: version },
  );
}
async function* records(list: readonly unknown[]) {
  yield* list;
}

describe("the results of two runs", () => {
  test("are compared post by post, at the highest revision of each, whatever the pipelines' versions", async () => {
    const before = await resultsOf(
      records([
        event({ offset: 1, types: ["PER"] }),
        event({ offset: 2, types: ["PER", "LOC"], revision: 1 }),
        event({ offset: 2, types: [] }),
        event({ offset: 3, types: ["PER"] }),
        "junk",
        undefined,
      ]),
      "origin",
    );
    const after = await resultsOf(
      records([
        event({ offset: 1, types: ["PER"], version: "v2" }),
        event({ offset: 2, types: ["ORG", "", "MISC"], version: "v2" }),
        event({ offset: 9, types: [], version: "v2" }),
      ]),
      "origin",
    );
    expect([before.unreadable, after.unreadable]).toEqual([2, 0]);
    const told: PostDifference[] = [];
    const summary = diffResults(before.results, after.results, (difference) => told.push(difference));
    expect(told).toEqual([
      {
        post: "p2",
        origin: "posts/3:2",
        gained: [{ text: "Cy", type: "MISC", start: 7, end: 9 }],
        lost: [{ text: "Bo", type: "LOC", start: 4, end: 6 }],
        changed: [{ text: "Ada", start: 0, end: 3, before: "PER", after: "ORG" }],
      },
    ]);
    expect(summary.posts).toEqual({ both: 2, same: 1, different: 1, onlyBefore: 1, onlyAfter: 1 });
    expect(summary.types.PER).toEqual({
      before: 2,
      after: 1,
      kept: 1,
      gained: 0,
      lost: 0,
      changedFrom: 1,
      changedTo: 0,
    });
    expect(tellSummary(summary).split("\n")).toEqual([
      "2 posts on both sides: 1 the same, 1 different; 1 only before, 1 only after",
      "type  before  after  kept  gained  lost  from  to",
      "LOC        1      0     0       0     1     0   0",
      "MISC       0      1     0       1     0     0   0",
      "ORG        0      1     0       0     0     0   1",
      "PER        2      1     1       0     0     1   0",
    ]);
  });

  test("are paired by the post's id where that is asked for", async () => {
    const one = await resultsOf(records([event({ offset: 1, types: ["PER"] })]), "post");
    const moved = { ...event({ offset: 1, types: ["PER"] }), key: "others/0:55:v1" };
    const other = await resultsOf(records([moved]), "post");
    expect(diffResults(one.results, other.results, () => expect.unreachable("nothing differs")).posts).toMatchObject({
      both: 1,
      same: 1,
    });
  });
});
