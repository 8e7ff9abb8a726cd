import { expect, test } from "vitest";
import { compileKernels } from "../../../scripts/kernels.ts";
import { type AdamW, adamw, squares } from "./adamw.ts";
import { openKernels } from "./kernels.ts";
import { kernelsBinary } from "./kernels-binary.ts";
import { type Arena, createArena } from "./parameters.ts";

/** Values between -1 and 1 of many sizes. */
const noise = (seed: number, i: number): number => Math.sin(seed + 12.9898 * i) * 10 ** -(i % 5);
const LENGTH = 1003;

function arenaOf(): Arena {
  const value = { dims: [LENGTH], data: Float32Array.from({ length: LENGTH }, (_, i) => noise(1, i)) };
  const arena = createArena([{ name: "w", group: "head", decays: true, value }]);
  for (let i = 0; i < LENGTH; i++) {
    arena.first[i] = noise(2, i);
    arena.second[i] = noise(3, i) ** 2;
    arena.gradients[i] = noise(4, i);
  }
  return arena;
}

const settings: AdamW[] = [
  { lr: 1e-4, decay: 0, scale: 1, step: 1 },
  { lr: 2e-3, decay: 0.01, scale: 0.03, step: 5000 },
  { lr: 0, decay: 0.01, scale: 1, step: 7 },
];

test("what is loaded is kernels.wat, compiled", async () => {
  expect(kernelsBinary).toBe(await compileKernels());
});

test.each(settings)("AdamW is that of adamw.ts but for rounding: %o", (one) => {
  const [arena, expected] = [arenaOf(), arenaOf()];
  openKernels(arena).update(0, LENGTH, one);
  adamw(expected, 0, LENGTH, expected.gradients, 0, one);
  for (const name of ["weights", "first", "second"] as const)
    for (const [i, value] of expected[name].entries())
      expect(Math.abs(arena[name][i]! - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value) + 1e-9);
  expect(arena.gradients).toEqual(expected.gradients);
});

test("it moves what it is told to, and nothing beside it", () => {
  const [arena, before] = [arenaOf(), arenaOf()];
  openKernels(arena).update(16, 32, settings[1]!);
  const moved = [...arena.weights.keys()].filter((i) => arena.weights[i] !== before.weights[i]);
  expect(moved).toEqual(Array.from({ length: 16 }, (_, i) => 16 + i));
  openKernels(arena).update(32, 32, settings[1]!);
  expect(arena.weights[32]).toBe(before.weights[32]);
});

test("the sum of squares is that of adamw.ts", () => {
  const arena = arenaOf();
  const kernels = openKernels(arena);
  expect(kernels.squares(0, arena.length)).toBeCloseTo(squares(arena.gradients, 0, arena.length), 10);
  expect(kernels.squares(16, 48)).toBeCloseTo(squares(arena.gradients, 16, 48), 12);
  expect(kernels.squares(16, 16)).toBe(0);
  arena.gradients[5] = Number.NaN;
  expect(kernels.squares(0, 16)).toBeNaN();
});
