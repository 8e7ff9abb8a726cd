import { expect, test } from "vitest";
import { remember } from "./remember.ts";

test("asks once for each word while it is kept, and answers alike after it was forgotten", () => {
  const asked: string[] = [];
  const lengthOf = remember((word) => asked.push(word) && { length: word.length }, 2);
  expect(lengthOf("ab")).toBe(lengthOf("ab"));
  expect(asked).toEqual(["ab"]);
  for (const word of ["c", "d", "e", "f", "g"]) lengthOf(word);
  expect(lengthOf("ab")).toEqual({ length: 2 });
  expect(asked.filter((word) => word === "ab")).toHaveLength(2);
});

test("what is used all the time is never forgotten", () => {
  const asked: string[] = [];
  const read = remember((word) => asked.push(word) && word, 4);
  for (let i = 0; i < 100; i++) {
    read("the");
    read(`rare-${i}`);
  }
  expect(asked.filter((word) => word === "the")).toHaveLength(1);
});

test("a very long word is read anew each time", () => {
  let asked = 0;
  const read = remember(() => ++asked, 4);
  expect([read("a".repeat(401)), read("a".repeat(401))]).toEqual([1, 2]);
});
