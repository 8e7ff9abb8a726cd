import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { Fault } from "../errors.ts";
import { deadLetterSchema } from "./dead-letter.ts";
import { decodePost } from "./decode.ts";
import { eventSchema } from "./event.ts";
import { jsonErrorAt } from "./json-error.ts";
import { isPlainPost } from "./plain-post.ts";
import { postSchema } from "./post.ts";

const place = { where: () => "tweets.ndjson line 3" };
const name = fc.string({ minLength: 1, unit: "binary" });
const wellFormed = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => /\S/.test(text));

/** Strings that are near to, and often exactly, what a field wants. */
const language = fc.constantFrom("en", "pt-BR", "zh-Hant-TW", "x", "", "en_US", "-", "toolonglanguage");
const createdAt = fc.constantFrom(
  "2017-01-01T00:00:00Z",
  "2017-02-30T00:00:00Z",
  "2016-02-29T23:59:59.123+02:00",
  "2017-01-28T24:00:00Z",
  "2017-01-28T00:00:00",
  "2017-01-28 00:00:00Z",
  "2017-13-01T00:00:00Z",
  "2017-01-28T00:00:00.1-23:59",
  "2017-01-28T00:00Z",
  "now",
);
const anything = fc.oneof(fc.jsonValue(), fc.constantFrom("", " ", "\u00a0", "\n", "starling.post/1"));
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: anything });
const nearlyPost = fc.record(
  {
    id: mostly(name),
    text: mostly(name),
    schema: mostly(fc.constant("starling.post/1")),
    language: mostly(language),
    createdAt: mostly(createdAt),
    author: mostly(fc.record({ handle: mostly(name) })),
  },
  { requiredKeys: [] },
);
const withMore = fc
  .tuple(nearlyPost, fc.dictionary(fc.string(), anything, { maxKeys: 1 }))
  .map(([post, more]) => ({ ...post, ...more }));

test("what is known at sight as a plain post is what the schema takes, and gives back unchanged", () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.oneof(nearlyPost, nearlyPost, withMore, fc.jsonValue()), (value) => {
      if (!isPlainPost(value)) return;
      plain++;
      const parsed = postSchema.safeParse(value);
      expect(parsed.success).toBe(true);
      expect(parsed.data).toEqual(value);
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(100);
});

test("the plain posts of a stream are known at sight", () => {
  const post = { schema: "starling.post/1", id: "1", text: "a", language: "en", createdAt: "2017-01-01T00:00:00Z" };
  expect(isPlainPost({ ...post, author: { handle: "ada" } })).toBe(true);
  expect(isPlainPost(JSON.parse('{"id":"1","text":"a","__proto__":{"x":1}}'))).toBe(false);
});

const bounds = fc
  .tuple(fc.nat(500), fc.integer({ min: 1, max: 50 }))
  .map(([start, length]) => ({ start, end: start + length }));
const reasons = fc.array(fc.record({ stage: name, reason: name }), { maxLength: 3 });
const finite = fc.double({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true });
const event = fc.record({
  schema: fc.constant("starling.entities/1" as const),
  key: name,
  postId: name,
  revision: fc.constantFrom(0, 1),
  final: fc.boolean(),
  model: name,
  entities: fc.array(
    fc
      .record({
        text: name,
        type: name,
        codePoints: bounds,
        words: bounds,
        confidence: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .chain((entity) => bounds.map((span) => ({ ...entity, ...span }))),
    { maxLength: 4 },
  ),
  captions: fc.array(fc.record({ image: fc.nat(9), text: fc.string(), source: fc.string() }), { maxLength: 2 }),
  knowledge: fc.option(
    fc.record({
      source: fc.string(),
      usd: finite,
      neighbours: fc.array(fc.string(), { maxLength: 3 }),
      names: fc.array(fc.record({ text: fc.string(), type: fc.string(), inPost: fc.boolean() }), { maxLength: 2 }),
    }),
  ),
  passed: reasons,
  degraded: reasons,
  timings: fc.record({
    totalMs: finite,
    stages: fc.dictionary(
      name.filter((n) => n !== "__proto__"),
      finite,
      { maxKeys: 3 },
    ),
  }),
});
const novelty = fc.record({ words: fc.nat(99), unknown: fc.nat(99) });
const input = fc
  .record({ characters: fc.nat(), words: fc.nat(), language: name, images: fc.nat(), knowledgeCharacters: fc.nat() })
  .chain((numbers) => fc.option(novelty).map((found) => (found ? { ...numbers, novelty: found } : numbers)));
const taggedEvent = fc
  .tuple(event, fc.record({ correct: finite, gold: finite }), input)
  .map(([untagged, expected, read]) => ({ ...untagged, expected, input: read }));
const deadLetter = fc.record({
  schema: fc.constant("starling.dead-letter/1" as const),
  key: name,
  postId: fc.option(name),
  stage: name,
  code: name,
  reason: fc.string(),
  attempts: fc.integer({ min: 1, max: 9 }),
  origin: fc.record({ lane: fc.string(), offset: fc.string() }),
  bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
});
const post = fc.record(
  {
    id: wellFormed,
    text: wellFormed,
    language: fc.constantFrom("en", "pt-BR"),
    createdAt: fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((date) => date.toISOString()),
    author: fc.record({ handle: wellFormed }),
    images: fc.array(
      fc.oneof(
        fc.record({ src: wellFormed }),
        fc.record({ src: wellFormed, alt: wellFormed }),
        fc
          .uint8Array({ minLength: 3, maxLength: 9 })
          .map((bytes) => ({ bytes: Buffer.from(bytes).toString("base64") })),
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ["id", "text"] },
);

const cases: [string, z.ZodType, fc.Arbitrary<object>][] = [
  ["event", eventSchema, event],
  ["dead letter", deadLetterSchema, deadLetter],
  ["post", postSchema, post],
  ["event of a tagged post", eventSchema, taggedEvent],
];

for (const [kind, schema, arbitrary] of cases) {
  test(`every valid ${kind} survives JSON`, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const back = schema.parse(JSON.parse(JSON.stringify(value)));
        expect(back).toEqual(JSON.parse(JSON.stringify(value)));
        expect(schema.parse(value)).toEqual(value);
      }),
    );
  });

  test(`a ${kind} with a key too many, or any key of the wrong type, is refused`, () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), (value, at) => {
        expect(schema.safeParse({ ...value, noSuchKey: 1 }).success).toBe(false);
        const keys = Object.keys(value);
        const key = keys[at % keys.length]!;
        // No field is a function or a symbol, whatever else it may be.
        for (const wrong of [Symbol("wrong"), () => 1, { noSuchKey: 1 }])
          expect(schema.safeParse({ ...value, [key]: wrong }).success, `${key}: ${String(wrong)}`).toBe(false);
      }),
    );
  });
}

test("an event or a dead letter without one of its keys is refused", () => {
  for (const [, schema, arbitrary] of cases.slice(0, 2))
    fc.assert(
      fc.property(arbitrary, fc.nat(), (value, at) => {
        const keys = Object.keys(value);
        const { [keys[at % keys.length]!]: _, ...rest } = value as Record<string, unknown>;
        expect(schema.safeParse(rest).success).toBe(false);
      }),
    );
});

test.each([
  ["a confidence above 1", { confidence: 1.01 }],
  ["a start before the text", { start: -1 }],
  ["a start between two units", { start: 0.5 }],
  ["a confidence that is no number", { confidence: Number.NaN }],
])("an entity with %s is refused", (_, wrong) => {
  fc.assert(
    fc.property(event, (value) => {
      fc.pre(value.entities.length > 0);
      const entities = [{ ...value.entities[0], ...wrong }];
      expect(eventSchema.safeParse({ ...value, entities }).success).toBe(false);
    }),
  );
});

const codeOf = (json: string) => {
  const outcome = decodePost(json, place);
  return outcome.kind === "fail" && outcome.error instanceof Fault ? outcome.error.message : outcome;
};

test.each([
  ['{"id": "1", "text": }', "tweets.ndjson line 3, column 21: not JSON: Unexpected token '}'"],
  ['{"id": "1", "text": "a"', "tweets.ndjson line 3, column 24: not JSON: Expected ',' or '}' after property value"],
  ['{"id": 1, "text": "a"}', "tweets.ndjson line 3: id: expected string, received number"],
  ['{"id": "1"}', "tweets.ndjson line 3: text: is missing (string)"],
  ['{"id": "1", "text": ""}', "tweets.ndjson line 3: text: is empty"],
  ['{"id": "1", "text": " \\n"}', "tweets.ndjson line 3: text: is empty"],
  ['{"id": "1", "text": "a", "txet": "b"}', 'tweets.ndjson line 3: post: nothing reads "txet"; did you mean "text"?'],
  ["[1]", "tweets.ndjson line 3: post: expected object, received array"],
  [
    '{"id": "1", "text": "a", "images": [{"src": "a.png", "bytes": "aGFs"}]}',
    "tweets.ndjson line 3: images.0.bytes: src and bytes exclude each other",
  ],
  [
    '{"id": "1", "text": "a", "createdAt": "today"}',
    "tweets.ndjson line 3: createdAt: is not a time such as 2026-05-02T19:41:00Z",
  ],
  [
    '{"id": "1", "text": "ab", "words": [{"start": 0, "end": 3}]}',
    "tweets.ndjson line 3: words.0: [0, 3) does not follow 0 inside a text of 2",
  ],
])("%s is refused with its place and the reason", (json, message) => {
  expect(codeOf(json)).toBe(message);
});

test("a lone surrogate becomes U+FFFD and leaves the offsets as they were; pairs stay", () => {
  const outcome = decodePost(
    '{"id": "1", "text": "a\\ud83d b \\ud83d\\ude00", "author": {"handle": "\\udc00"}}',
    place,
  );
  expect(outcome).toEqual({ kind: "ok", value: { id: "1", text: "a\ufffd b 😀", author: { handle: "\ufffd" } } });
});

test("a text of 100,000 characters is a post", () => {
  expect(decodePost(JSON.stringify({ id: "1", text: "word ".repeat(20_000) }), place).kind).toBe("ok");
});

test("jsonErrorAt and JSON.parse agree on what is JSON", () => {
  const broken = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", "]", '"', "x", "\\", "1", " ", "\u0001", "tru"))
    .map(([json, at, more]) => json.slice(0, at % (json.length + 1)) + more + json.slice((at % (json.length + 1)) + 1));
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken), (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const at = jsonErrorAt(text);
      expect(at === null).toBe(valid);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ['{"a": tru}', 6],
  ['{"a" 1}', 5],
  ["[1, 2,]", 6],
  ["[1 2]", 3],
  ['"a\\x"', 2],
  ['"a\nb"', 2],
  ["01", 1],
  ["{} {}", 3],
  ["", 0],
  ["{,}", 1],
])("%j stops being JSON at %i", (text, at) => {
  expect(jsonErrorAt(text)).toBe(at);
});

test("deep nesting does not overflow the search for an error", () => {
  expect(jsonErrorAt("[".repeat(100_000))).toBe(100_000);
});
