import fc from "fast-check";
import { expect, test } from "vitest";
import type { Reply, Work } from "./messages.ts";
import { readReplies, readWorks, writeReplies, writeWorks } from "./wire.ts";

const whole = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const span = fc.record({ start: whole, end: whole });
const row = fc.integer({ min: 0, max: 6 }).chain((length) => {
  const array = (size: number) =>
    fc.array(whole, { minLength: size, maxLength: size }).map((list) => Int32Array.from(list));
  return fc.record({
    ids: array(length),
    segments: array(length),
    shapes: array(length),
    first: fc.array(whole, { maxLength: 5 }).map((list) => Int32Array.from(list)),
    textLength: whole,
    words: span,
    keep: span,
  });
});
const works: fc.Arbitrary<Work[]> = fc.array(
  fc.record({ rows: fc.array(row, { maxLength: 3 }), words: whole, vector: fc.boolean() }),
);

test("posts cross as they are", () => {
  fc.assert(
    fc.property(works, (given) => {
      expect(readWorks(writeWorks(given))).toEqual(given);
    }),
  );
});

const mention = fc.record({ start: whole, end: whole, type: whole, confidence: fc.double({ min: 0, max: 1 }) });
const count = fc.double({ min: 0, max: 100 });
const fault = fc.record({
  code: fc.option(fc.string(), { nil: undefined }),
  details: fc.string(),
  message: fc.string(),
});
const repliesOf = (width: number): fc.Arbitrary<Reply[]> => {
  const vector = fc
    .array(fc.float({ noNaN: true }), { minLength: width, maxLength: width })
    .map((list) => Float32Array.from(list));
  const answer = fc.record(
    {
      mentions: fc.array(mention, { maxLength: 4 }),
      expected: fc.record({ correct: count, gold: count }),
      vector,
    },
    { requiredKeys: ["mentions", "expected"] },
  );
  return fc.array(fc.oneof(fc.record({ answer }), fc.record({ fault })));
};

test("answers and faults cross as they are, in order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }).chain((width) => repliesOf(width)),
      (given) => {
        expect(readReplies(writeReplies(given), given.length)).toEqual(given);
      },
    ),
  );
});
