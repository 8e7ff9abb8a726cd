import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

const live = new AbortController().signal;

/** Who asks for a turn, by the order it was got in. */
function setUp(usd: number) {
  const money = { left: usd };
  const turns = createTurns(() => money.left);
  const got: string[] = [];
  const take = (name: string, usd: number, signal = live) =>
    turns.take(usd, signal).then(
      (turn) => void got.push(turn ? name : `${name} never`),
      () => void got.push(`${name} left`),
    );
  const settled = () => new Promise<void>((done) => setImmediate(done));
  return { money, turns, got, take, settled };
}

test("as many go at once as fit at worst; the next waits for one to end, and the first is served first", async () => {
  const { money, turns, got, take, settled } = setUp(10);
  for (const [name, usd] of [["a", 4] as const, ["b", 4] as const, ["c", 4] as const, ["d", 1] as const])
    void take(name, usd);
  await settled();
  expect(got).toEqual(["a", "b"]);
  money.left -= 1; // what the first one cost
  turns.end(4);
  await settled();
  expect(got, "4 + 4 + 1 of 9").toEqual(["a", "b", "c", "d"]);
});

test("where nothing is under way that may give room, nobody waits", async () => {
  const { money, turns, got, take, settled } = setUp(10);
  void take("a", 6);
  void take("b", 6);
  await settled();
  money.left -= 6;
  turns.end(6);
  await settled();
  expect(got).toEqual(["a", "b never"]);
  await take("c", 3);
  expect(got.at(-1)).toBe("c");
});

test("who leaves makes room for those behind; once closed, nobody gets a turn", async () => {
  const { turns, got, take, settled } = setUp(10);
  const leaving = new AbortController();
  void take("a", 5);
  void take("b", 8, leaving.signal);
  void take("c", 2);
  leaving.abort();
  await settled();
  expect(got.toSorted()).toEqual(["a", "b left", "c"]);
  void take("d", 9);
  turns.close();
  await settled();
  expect(got.at(-1)).toBe("d never");
  await take("e", 1);
  expect([got.at(-1), turns.closed]).toEqual(["e never", true]);
});
