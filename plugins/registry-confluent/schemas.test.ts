import { readFileSync } from "node:fs";
import fc from "fast-check";
import { decoder, eventSchema, frame, messagePlace, type SchemaRegistry } from "starling-ner";
import { expect, test } from "vitest";
import { avroSchema } from "./avro.ts";

const published = (name: string) =>
  avroSchema(1, readFileSync(new URL(`../../schemas/${name}`, import.meta.url), "utf8"));
const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((value) => /\S/.test(value));

test("schemas/post.avsc carries any post, and a field that is absent stays absent", () => {
  const schema = published("post.avsc");
  const registry: SchemaRegistry = {
    known: () => schema,
    schema: () => expect.unreachable("it is known"),
    latest: () => expect.unreachable("nothing is written"),
  };
  const decode = decoder({ kind: "registry" }, registry);
  const bytes = fc.uint8Array({ minLength: 3, maxLength: 9 }).map((raw) => Buffer.from(raw));
  const image = fc.oneof(
    fc.record({ src: text, alt: text }, { requiredKeys: ["src"] }),
    fc.record({ bytes, alt: text }, { requiredKeys: ["bytes"] }),
  );
  const post = fc.record(
    {
      id: text,
      text,
      images: fc.array(image, { maxLength: 3 }),
      language: fc.constantFrom("en", "pt-BR"),
      createdAt: fc.constantFrom("2026-05-02T19:41:00.000Z", "1999-12-31T23:59:59.999Z"),
      author: fc.record({ handle: text }),
    },
    { requiredKeys: ["id", "text"] },
  );
  const place = messagePlace({ lane: "posts/0", offset: "1" });
  fc.assert(
    fc.property(post, (given) => {
      const absent = { images: null, language: null, createdAt: null, author: null };
      const images = given.images?.map((image) => ({ src: null, bytes: null, alt: null, ...image })) ?? null;
      const value = {
        ...given,
        ...(given.images && {
          images: given.images.map((image) =>
            "bytes" in image ? { ...image, bytes: image.bytes.toString("base64") } : image,
          ),
        }),
      };
      const framed = frame(schema, { ...absent, ...given, images });
      expect(decode({ bytes: framed, headers: {} }, place)).toEqual({ kind: "ok", value });
    }),
  );
});

test("schemas/event.avsc carries any event", () => {
  const schema = published("event.avsc");
  const count = fc.nat(1000);
  const bounds = fc.record({ start: count, end: count.map((n) => n + 1) });
  const entity = fc.record({
    text,
    type: fc.constantFrom("PER", "LOC"),
    start: count,
    end: count.map((n) => n + 1),
    codePoints: bounds,
    words: bounds,
    confidence: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const reasons = fc.array(fc.record({ stage: text, reason: text }), { maxLength: 2 });
  const usd = fc.double({ min: 0, max: 9, noNaN: true });
  const name = fc.record({ text, type: text, inPost: fc.boolean() });
  const event = fc.record({
    schema: fc.constant("starling.entities/1" as const),
    key: text,
    postId: text,
    revision: fc.constantFrom(0, 1),
    final: fc.boolean(),
    model: text,
    entities: fc.array(entity, { maxLength: 3 }),
    captions: fc.array(fc.record({ image: count, text, source: text }), { maxLength: 2 }),
    knowledge: fc.option(
      fc.record({ source: text, usd, neighbours: fc.array(text), names: fc.array(name, { maxLength: 2 }) }),
    ),
    ask: fc.option(fc.record({ yes: fc.boolean(), gain: usd, reason: text }), { nil: undefined }),
    expected: fc.option(fc.record({ correct: usd, gold: usd }), { nil: undefined }),
    input: fc.option(
      fc.record(
        {
          characters: count,
          words: count,
          language: fc.constantFrom("en", "und"),
          images: count,
          knowledgeCharacters: count,
          novelty: fc.record({ words: count, unknown: count }),
        },
        { requiredKeys: ["characters", "words", "language", "images", "knowledgeCharacters"] },
      ),
      { nil: undefined },
    ),
    passed: reasons,
    degraded: reasons,
    timings: fc.record({ totalMs: usd, stages: fc.dictionary(fc.constantFrom("draft", "final-2"), usd) }),
  });
  fc.assert(
    fc.property(event, (given) => {
      expect(eventSchema.safeParse(given).success).toBe(true);
      if (schema.type !== "avro") return expect.unreachable("it is Avro");
      const back = schema.read(frame(schema, given).subarray(5)) as object;
      expect(JSON.parse(JSON.stringify({ knowledge: null, ...back }))).toEqual(JSON.parse(JSON.stringify(given)));
    }),
  );
});
