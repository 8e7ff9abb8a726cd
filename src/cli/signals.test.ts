import { afterEach, expect, test, vi } from "vitest";
import { stopOnSignals } from "./signals.ts";

const names = ["SIGINT", "SIGTERM"] as const;
const before = names.map((name) => process.listeners(name));

afterEach(() => {
  vi.restoreAllMocks();
  names.forEach((name, i) => {
    for (const listener of process.listeners(name)) if (!before[i]!.includes(listener)) process.off(name, listener);
  });
});

test("a copy of the first signal, as npm passes one on, is not a second signal; one that comes later is", () => {
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const now = vi.spyOn(performance, "now").mockReturnValue(1000);
  const signal = stopOnSignals();
  expect(signal.aborted).toBe(false);
  process.emit("SIGINT");
  expect(signal.aborted).toBe(true);
  now.mockReturnValue(1020);
  process.emit("SIGINT");
  expect(exit).not.toHaveBeenCalled();
  now.mockReturnValue(1200);
  process.emit("SIGTERM");
  expect(exit).toHaveBeenCalledExactlyOnceWith(143);
});
