import type { PackedInput } from "./input.ts";
import type { Answer, FoundMention, Reply, SentFault, Work } from "./messages.ts";

/**
 * Posts and answers as they cross the border of a process: a few long arrays instead of many small objects, whose
 * copying costs ten times as much.
 */
export type SentWorks = Int32Array;

export interface SentReplies {
  /** For each answer: number of mentions, expected correct and gold, length of its vector, then start, end, type and confidence of each mention. For a fault: -1. */
  readonly numbers: Float64Array;
  /** The answers' vectors, one after another. */
  readonly vectors: Float32Array;
  readonly faults: readonly SentFault[];
}

/** Numbers that stand before a row's arrays. */
const ROW_HEAD = 7;

const sizeOf = ({ ids, first }: PackedInput): number => ROW_HEAD + 3 * ids.length + first.length;

export function writeWorks(works: readonly Work[]): SentWorks {
  const size = works.reduce((sum, { rows }) => rows.reduce((more, row) => more + sizeOf(row), sum + 3), 0);
  const sent = new Int32Array(size);
  let at = 0;
  for (const { rows, words, vector } of works) {
    sent[at++] = words;
    sent[at++] = vector ? 1 : 0;
    sent[at++] = rows.length;
    for (const { ids, segments, shapes, first, textLength, words: read, keep } of rows) {
      const head = [ids.length, first.length, textLength, read.start, read.end, keep.start, keep.end];
      for (const part of [head, ids, segments, shapes, first]) {
        sent.set(part, at);
        at += part.length;
      }
    }
  }
  return sent;
}

export function readWorks(sent: SentWorks): Work[] {
  const works: Work[] = [];
  let at = 0;
  const take = (length: number): Int32Array => {
    at += length;
    return sent.subarray(at - length, at);
  };
  while (at < sent.length) {
    const [words, vector, rows] = take(3) as unknown as [number, number, number];
    works.push({ words, vector: vector === 1, rows: Array.from({ length: rows }, () => readRow(take)) });
  }
  return works;
}

function readRow(take: (length: number) => Int32Array): PackedInput {
  const [length, words, textLength, start, end, keepStart, keepEnd] = take(ROW_HEAD) as unknown as number[];
  const [ids, segments, shapes] = [take(length!), take(length!), take(length!)];
  return {
    ids,
    segments,
    shapes,
    first: take(words!),
    textLength: textLength!,
    words: { start: start!, end: end! },
    keep: { start: keepStart!, end: keepEnd! },
  };
}

export function writeReplies(replies: readonly Reply[]): SentReplies {
  const answers = replies.flatMap((reply) => ("answer" in reply ? reply.answer : []));
  const faults = replies.flatMap((reply) => ("fault" in reply ? reply.fault : []));
  const all = answers.flatMap(({ vector }) => vector ?? []);
  const vectors = new Float32Array(all.reduce((sum, vector) => sum + vector.length, 0));
  let at = 0;
  for (const vector of all) {
    vectors.set(vector, at);
    at += vector.length;
  }
  const numbers = replies.flatMap((reply) => ("answer" in reply ? numbersOf(reply.answer) : -1));
  return { numbers: Float64Array.from(numbers), vectors, faults };
}

const numbersOf = ({ mentions, expected, vector }: Answer): number[] => [
  mentions.length,
  expected.correct,
  expected.gold,
  vector?.length ?? 0,
  ...mentions.flatMap(({ start, end, type, confidence }) => [start, end, type, confidence]),
];

export function readReplies({ numbers, vectors, faults }: SentReplies, count: number): Reply[] {
  let [at, read, failed] = [0, 0, 0];
  return Array.from({ length: count }, (): Reply => {
    const mentions = numbers[at]!;
    if (mentions < 0) {
      at++;
      return { fault: faults[failed++]! };
    }
    const expected = { correct: numbers[at + 1]!, gold: numbers[at + 2]! };
    const width = numbers[at + 3]!;
    at += 4;
    const found = Array.from({ length: mentions }, readMention);
    if (width === 0) return { answer: { mentions: found, expected } };
    read += width;
    return { answer: { mentions: found, expected, vector: vectors.subarray(read - width, read) } };
  });

  function readMention(): FoundMention {
    at += 4;
    return {
      start: numbers[at - 4]!,
      end: numbers[at - 3]!,
      type: numbers[at - 2]!,
      confidence: numbers[at - 1]!,
    };
  }
}
