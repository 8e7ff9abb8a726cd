import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { dashboardFiles, dashboards } from "../../scripts/dashboards/all.ts";
import { root } from "../end-to-end/starling.ts";
import { noPrometheus } from "./missing.ts";
import { exampleMetrics, knownSeries, namesIn } from "./names.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const folder = join(root, "deploy/prometheus");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const { groups } = parse(read("deploy/prometheus/rules.yml")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
/** What a recorded series keeps is what it is summed by. */
const recorded = Object.fromEntries(
  rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, namesIn(expr).labels] as const])),
);

describe.skipIf(noPrometheus)(`promtool${noPrometheus ? ` (${noPrometheus})` : ""}`, () => {
  const promtool = (...args: string[]) => execFileSync("promtool", args, { cwd: folder, encoding: "utf8" });

  test("finds the rules and the config in order", () => {
    expect(promtool("check", "rules", "rules.yml")).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(promtool("check", "config", "prometheus.yml")).toContain("SUCCESS");
  });

  test("has nothing to say against the page of a worker", async () => {
    const page = await exampleMetrics().show();
    expect(execFileSync("promtool", ["check", "metrics"], { input: page.body, encoding: "utf8" })).toBe("");
  });

  test("sees every alert fire, and not fire, as rules.test.yml says", { timeout: 60_000 }, () => {
    expect(promtool("test", "rules", "rules.test.yml")).toContain("SUCCESS");
  });
});

test("every alert is tested, has a severity, and a runbook", () => {
  const tested = read("deploy/prometheus/rules.test.yml");
  const headings = Array.from(read("docs/runbooks.md").matchAll(/^## (.*)$/gm), ([, heading]) => heading!);
  expect(alerts.length).toBeGreaterThan(10);
  for (const { alert, labels, annotations } of alerts) {
    expect(tested, alert).toMatch(new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n`));
    expect(["page", "ticket"]).toContain(labels?.severity);
    expect(annotations?.runbook).toBe(`docs/runbooks.md#${alert!.toLowerCase()}`);
    expect(headings).toContain(alert);
  }
  expect(headings.filter((heading) => !alerts.some(({ alert }) => alert === heading))).toEqual([]);
});

const queries = [
  ...rules.map(({ record, alert, expr }) => [record ?? alert!, expr] as const),
  ...dashboards.flatMap(({ title, panels }) =>
    panels.flatMap((panel) => panel.queries.map(([expr]) => [`${title}, ${panel.title}`, expr] as const)),
  ),
];

test("names are found wherever PromQL may have them", () => {
  const expr = `histogram_quantile(0.5, sum by (le, stage) (rate(ner_a_bucket{outcome!="ner_x", plugin=~"p"}[5m])))
    > on (model) group_left () (ner:b:sum - max(gen_ai_c)) and topk(1, ner_d) == 0`;
  const { series, labels } = namesIn(expr);
  expect(series).toEqual(["ner_a_bucket", "ner:b:sum", "gen_ai_c", "ner_d"]);
  expect(labels.toSorted()).toEqual(["le", "model", "outcome", "plugin", "stage"]);
});

test("every series and label in rules and dashboards is one that there is", async () => {
  const known = await knownSeries(recorded);
  const seen = new Set<string>();
  for (const [where, expr] of queries) {
    const { series, labels } = namesIn(expr);
    expect(series, `${where}: ${expr}`).not.toEqual([]);
    for (const name of series) {
      expect(known.has(name), `${where}: ${name}`).toBe(true);
      seen.add(name);
    }
    const allowed = new Set(series.flatMap((name) => [...known.get(name)!]));
    for (const label of labels) expect(allowed.has(label), `${where}: ${label} in ${expr}`).toBe(true);
  }
  // The check would be worth nothing if it found no names.
  expect(seen.size).toBeGreaterThan(40);
});

test("legends name labels that their query keeps", () => {
  for (const { title, panels } of dashboards)
    for (const panel of panels)
      for (const [expr, legend] of panel.queries) {
        const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/);
        for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g))
          if (kept !== undefined) expect(kept, `${title}, ${panel.title}`).toContain(label);
      }
});

test("deploy/grafana holds what the code makes; npm run dashboards writes it anew", () => {
  for (const [name, text] of dashboardFiles()) {
    const file = `deploy/grafana/dashboards/${name}`;
    expect(existsSync(join(root, file)), file).toBe(true);
    expect(read(file), file).toBe(text);
  }
});
