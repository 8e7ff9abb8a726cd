import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { catalogue, type Definition, measures } from "./catalogue.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");

test("docs/metrics.md has every metric with its type and its labels, and no other", () => {
  const told = Array.from(page.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\| .+ \|$/gm), ([, name, type, labels]) => [
    name,
    type,
    labels!.trim() === "" ? [] : labels!.trim().split(", "),
  ]);
  const known = Object.entries(catalogue).map(([name, { type, labels = [] }]: [string, Definition]) => [
    name,
    type,
    labels,
  ]);
  const byName = (rows: readonly unknown[][]) => rows.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
  expect(byName(told)).toEqual(byName(known));
});

test("what plugins may tell stands under a heading of its own", () => {
  const [, section = ""] = page.split("## What plugins tell");
  const names = Array.from(section.split("\n## ")[0]!.matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name);
  expect(names.toSorted()).toEqual(Object.keys(measures).toSorted());
});

test("bounds of histograms rise, and those of seconds hold what a service level may name", () => {
  for (const [name, { buckets }] of Object.entries(catalogue) as [string, Definition][]) {
    if (buckets === undefined) continue;
    expect(buckets, name).toEqual([...new Set(buckets)].toSorted((a, b) => a - b));
  }
  for (const bound of [0.1, 0.5, 1, 2.5]) expect(catalogue.ner_event_duration_seconds.buckets).toContain(bound);
});
