import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Fault, faults, isFault } from "./errors.ts";

const page = readFileSync(join(import.meta.dirname, "../docs/errors.md"), "utf8");
const rows = [...page.matchAll(/^\| `([A-Z0-9_]+)` +\| (yes|no) +\| (\S.*?) +\| (\S.*?) +\|$/gm)];

describe("docs/errors.md and the table of faults", () => {
  test("name the same codes, in the same order, each once", () => {
    expect(rows.map(([, code]) => code)).toEqual(Object.keys(faults).toSorted());
  });

  test("agree on whether a retry helps", () => {
    const told = Object.fromEntries(rows.map(([, code, retry]) => [code, retry === "yes"]));
    expect(told).toEqual(Object.fromEntries(Object.entries(faults).map(([code, { retry }]) => [code, retry])));
  });

  test("has no row that is not read here", () => {
    expect(page.match(/^\| `/gm)).toHaveLength(rows.length);
  });
});

test("a fault carries code, details, retry, sentence and cause", () => {
  const cause = new Error("below");
  const fault = new Fault("ENV_MISSING", { name: "HOME" }, { cause });
  expect(fault).toMatchObject({ name: "Fault", code: "ENV_MISSING", details: { name: "HOME" }, retry: false, cause });
  expect(fault.message).toBe(
    "the environment variable HOME is not set; set it, or give a default: $" + "{HOME:-value}",
  );
});

test("isFault knows a fault of another copy of this package, and nothing else", () => {
  const foreign = Object.assign(new Error("x"), { [Symbol.for("starling.fault")]: true });
  expect([new Fault("ENV_MISSING", { name: "A" }), foreign].map(isFault)).toEqual([true, true]);
  expect([new Error("x"), null, undefined, "fault", {}].map(isFault)).toEqual([false, false, false, false, false]);
});
