import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toDeadLetter } from "../dead-letter.ts";
import { Fault } from "../errors.ts";
import type { NewRecord } from "../log/index.ts";
import type { DeadLetter } from "../schema/dead-letter.ts";
import {
  emptyCount,
  type Found,
  fileOutbox,
  lettersOfFile,
  replayLetters,
  tallyLetters,
  topicOutbox,
} from "./index.ts";

interface Lost {
  readonly bytes: Uint8Array;
  readonly offset?: number;
  readonly stage?: string;
  readonly code?: "POST_TOO_LONG" | "STAGE_TIMEOUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: Uint8Array;
}

function lost({ bytes, offset = 0, stage = "draft", code = "STAGE_TIMEOUT", headers, key }: Lost): DeadLetter {
  const error =
    code === "STAGE_TIMEOUT"
      ? new Fault(code, { stage, afterMs: 5 })
      : new Fault(code, { where: "here", bytes: 9, maxLineBytes: 5 });
  const origin = {
    lane: "posts/3",
    offset: String(offset),
    bytes: () => bytes,
    ...(headers && { headers }),
    ...(key && { key }),
  };
  return toDeadLetter({ postId: null, origin, stage, error, attempts: 1 }, "v1");
}

async function* given(letters: readonly (DeadLetter | undefined)[]): AsyncGenerator<Found> {
  for (const [i, letter] of letters.entries()) yield { at: `posts-dead/0:${i}`, ...(letter && { letter }) };
}

/** Keeps what a producer is given. */
function sending() {
  const sent: NewRecord[] = [];
  const outbox = topicOutbox(
    { send: async (records) => void sent.push(...records) },
    ({ origin }) => origin.lane.split("/")[0]!,
  );
  return { sent, outbox };
}
const all = { filter: {}, limit: Number.POSITIVE_INFINITY, dryRun: false };

describe("sending again", () => {
  test("gives any bytes, key and headers back as they were, and says where they stood", async () => {
    const bytes = fc.uint8Array({ maxLength: 50 });
    const post = fc.record({
      bytes,
      key: fc.option(bytes, { nil: undefined }),
      headers: fc.option(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((name) => name !== "__proto__"),
          fc.string(),
        ),
        { nil: undefined },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(post, { maxLength: 5 }), async (posts) => {
        const { sent, outbox } = sending();
        // Through JSON, as a topic or a file keeps them.
        const letters = posts.map(
          (post, offset) => JSON.parse(JSON.stringify(lost({ ...post, offset } as Lost))) as DeadLetter,
        );
        await replayLetters(given(letters), outbox, all, emptyCount());
        expect(
          sent.map(({ topic, value, key }) => [topic, [...(value as Buffer)], key && [...(key as Buffer)]]),
        ).toEqual(posts.map(({ bytes, key }) => ["posts", [...bytes], key === undefined ? null : [...key]]));
        expect(sent.map(({ headers }) => headers)).toEqual(
          posts.map(({ headers }, offset) => ({ ...headers, "starling-replay-of": `posts/3:${offset}` })),
        );
      }),
    );
  });

  test("takes what the filter lets pass, up to the limit, and counts the rest", async () => {
    const letters = [
      lost({ bytes: Buffer.from("a"), offset: 1 }),
      lost({ bytes: Buffer.from("b"), offset: 2, stage: "final" }),
      undefined,
      lost({ bytes: Buffer.from("c"), offset: 3, code: "POST_TOO_LONG" }),
      lost({ bytes: Buffer.from("d"), offset: 4 }),
      lost({ bytes: Buffer.from("e"), offset: 5 }),
    ];
    const { sent, outbox } = sending();
    const count = emptyCount();
    await replayLetters(given(letters), outbox, { ...all, filter: { stage: "draft" }, limit: 2 }, count);
    expect(sent.map(({ value }) => String(value))).toEqual(["a", "d"]);
    expect(count).toEqual({ sent: new Map([["posts", 2]]), cut: 1, foreign: 1 });
    const one = sending();
    await replayLetters(given(letters), one.outbox, { ...all, filter: { at: "posts-dead/0:5" } }, emptyCount());
    expect(one.sent.map(({ value }) => String(value))).toEqual(["e"]);
  });

  test("a dry run sends nothing, and counts the same", async () => {
    const { sent, outbox } = sending();
    const count = emptyCount();
    await replayLetters(given([lost({ bytes: Buffer.from("a") })]), outbox, { ...all, dryRun: true }, count);
    expect([sent, [...count.sent]]).toEqual([[], [["posts", 1]]]);
  });

  test("what was durable before a failure is counted", async () => {
    const letters = Array.from({ length: 1200 }, (_, offset) => lost({ bytes: Buffer.from("a"), offset }));
    let batches = 0;
    const outbox = topicOutbox(
      { send: async () => void (++batches === 3 && expect.unreachable("the broker is gone")) },
      () => "posts",
    );
    const count = emptyCount();
    await expect(replayLetters(given(letters), outbox, all, count)).rejects.toThrow("the broker is gone");
    expect([...count.sent]).toEqual([["posts", 1000]]);
  });

  test("a post of several lines is one line of a file", async () => {
    const chunks: Buffer[] = [];
    const outbox = fileOutbox("out", async (bytes) => void chunks.push(bytes));
    const pretty = JSON.stringify({ id: "1", text: "a\nb" }, null, 2).replaceAll("\n", "\r\n");
    await replayLetters(
      given([lost({ bytes: Buffer.from(pretty) }), lost({ bytes: Buffer.from("x") })]),
      outbox,
      all,
      emptyCount(),
    );
    const [first, second, ...rest] = Buffer.concat(chunks).toString().split("\n");
    expect([JSON.parse(first!), second, rest]).toEqual([{ id: "1", text: "a\nb" }, "x", [""]]);
  });
});

describe("a file of dead letters", () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-letters-"));
  const read = async (path: string, signal = new AbortController().signal) => {
    const found: Found[] = [];
    for await (const one of lettersOfFile(path, signal)) found.push(one);
    return found;
  };

  test.each(["letters.ndjson", "letters.ndjson.gz"])("is read from %s, and what is none is told", async (name) => {
    const letter = lost({ bytes: Buffer.from("a") });
    const text = `${JSON.stringify(letter)}\n\n{"schema":"other"}\nnonsense\n`;
    const path = join(folder, name);
    writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
    expect(await read(path)).toEqual([{ at: `${name}:1`, letter }, { at: `${name}:3` }, { at: `${name}:4` }]);
    expect(await read(path, AbortSignal.abort())).toEqual([]);
  });

  test("that is missing or broken is a fault", async () => {
    await expect(read(join(folder, "none"))).rejects.toMatchObject({ code: "INPUT_MISSING" });
    const cut = join(folder, "cut.gz");
    writeFileSync(
      cut,
      gzipSync(Array.from({ length: 5000 }, () => `${JSON.stringify({ a: Math.random() })}\n`).join("")).subarray(
        0,
        -500,
      ),
    );
    await expect(read(cut)).rejects.toMatchObject({ code: "INPUT_CORRUPT" });
    expect(readFileSync(cut).length).toBeGreaterThan(1000);
  });
});

test("letters are counted by stage and code, the most frequent first", () => {
  const tally = tallyLetters();
  expect(tally.tell()).toBe("0 dead letters");
  for (const code of ["POST_TOO_LONG", "STAGE_TIMEOUT", "STAGE_TIMEOUT"] as const)
    tally.add(lost({ bytes: Buffer.of(), code }));
  tally.add(lost({ bytes: Buffer.of(), stage: "final" }));
  expect(tally.tell()).toBe("4 dead letters (draft: STAGE_TIMEOUT 2, POST_TOO_LONG 1; final: STAGE_TIMEOUT 1)");
});
