import { expect, test } from "vitest";
import { patienceOf } from "./patience.ts";

test.each([
  ["the window is full and posts wait for the stages: the whole time", 512, 512, 200, 100, 1],
  ["three quarters of it: half of the time", 512, 384, 200, 90, 0.5],
  ["half of it: briefly", 512, 256, 200, 32, 1 / 6],
  ["less than half of it: not at all", 512, 255, 200, 1, 0],
  ["a quarter of the posts under way is enough", 512, 512, 400, 129, 0],
  ["the stages would miss the place: briefly, and an eighth is enough", 512, 512, 0, 64, 1 / 6],
  ["the same, with more", 512, 512, 0, 65, 0],
  ["as many records as posts that wait", 512, 512, 100, 101, 0],
  ["a small window", 7, 7, 0, 1, 0],
])("%s", (_, window, inFlight, waiting, letters, share) => {
  expect(patienceOf({ window, inFlight, waiting }, letters)).toBeCloseTo(share, 9);
});
