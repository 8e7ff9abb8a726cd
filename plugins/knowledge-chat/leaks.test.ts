import { expect, test } from "vitest";
import { leakFinder } from "./leaks.ts";

const head =
  "You annotate short posts for a study of names. For each post you say which named entities it holds, and why.";
const leaks = leakFinder(head);

test.each([
  [head, true],
  ["It says: YOU annotate -- short posts for a study of names; for each post!", true],
  ["short posts for a study of names. For each post you say", true],
  ["posts for a study of names. For each post you say", false],
  ["you you you you you you you you you you you you you", false],
  ["For each post you say which names of a study it holds, and why you annotate", false],
  ["", false],
])("a stretch of twelve words of the head is one: %j %s", (answer, found) => expect(leaks(answer)).toBe(found));

test("a head that is shorter is never found", () => expect(leakFinder("be brief")("be brief")).toBe(false));
