import { expect, test } from "vitest";
import { countEvents } from "./nodes.ts";

const node = (name: string, provider: string) => ({ cat: "Node", name, args: { provider } });

test("counts each node of a profile once, and those on the CPU", () => {
  const profile = [
    { cat: "Session", name: "model_run" },
    node("MatMul_kernel_time", "CUDAExecutionProvider"),
    node("MatMul_kernel_time", "CUDAExecutionProvider"),
    node("Shape_kernel_time", "CPUExecutionProvider"),
    { cat: "Node", name: "MatMul_fence_before", args: {} },
  ];
  expect(countEvents(profile)).toEqual({ nodes: 2, onCpu: 1 });
});

test("knows nothing where the profile names no provider", () => {
  expect(countEvents([])).toBeUndefined();
  expect(countEvents(null)).toBeUndefined();
});
