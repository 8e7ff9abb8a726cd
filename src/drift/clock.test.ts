import { expect, test } from "vitest";
import { createClock } from "./clock.ts";

test("a wall clock that is set while we run changes nothing", () => {
  let [wall, ran] = [1_000_000, 500];
  const clock = createClock({ wall: () => wall, ran: () => ran });
  ran += 10;
  for (const jump of [1e9, -1e9]) {
    wall += jump;
    expect(clock.now()).toBe(1_000_010);
  }
});

test("a wall clock that is behind what was kept begins there", () => {
  expect(createClock({ notBefore: 5000, wall: () => 10, ran: () => 7 }).now()).toBe(5000);
});

test("a record from the future, or of no time, is of now", () => {
  const clock = createClock({ wall: () => 1e12, ran: () => 0 });
  const minutes = 60_000;
  expect([1e12 - 1e9, 1e12 + 4 * minutes, 1e12 + 6 * minutes, Number.NaN, -5].map((at) => clock.believe(at))).toEqual([
    1e12 - 1e9,
    1e12 + 4 * minutes,
    1e12,
    1e12,
    0,
  ]);
});
