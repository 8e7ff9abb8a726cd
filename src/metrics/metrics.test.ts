import fc from "fast-check";
import { expect, test } from "vitest";
import { Fault } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { delivered, memorySink, memorySource, postOf } from "../flow/in-memory.ts";
import { runPipeline } from "../flow/run.ts";
import type { OpenPipeline } from "../flow/types.ts";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Delivery, Stage } from "../plugin.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { parseMetrics, type Sample } from "./parse.test-help.ts";

const OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

const shown = async (metrics: Metrics, accept?: string) => parseMetrics((await metrics.show(accept)).body);
const numberOf = (samples: readonly Sample[], name: string, labels: Sample["labels"] = {}) =>
  samples.find((s) => s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value))
    ?.value;

const stage = (name: string, run: Stage["run"] | Stage, onFail: "skip" | "divert" = "divert") => ({
  name,
  plugin: { name: `plugin-${name}`, needs: [], uses: [], gives: [] },
  stage: typeof run === "function" ? { run } : run,
  flow: { batch: 4, waitMs: 1, concurrency: 2, timeoutMs: 5000, onFail },
});

async function ran(posts: readonly Delivery[], stages: OpenPipeline["stages"]) {
  const metrics = createMetrics({ version: "1.2.3" });
  const pipeline: OpenPipeline = {
    source: memorySource([posts]),
    sink: memorySink().sink,
    deadLetters: memorySink().sink,
    stages,
    window: 64,
    version: "v",
  };
  metrics.opened({ source: pipeline.source, resources: new Map() });
  await runPipeline(pipeline, { signal: new AbortController().signal, observe: metrics.observe });
  return metrics;
}

const byId = (answer: (id: string) => Outcome<Partial<Facts>>): Stage["run"] =>
  (async (batch) => batch.map(({ post }) => answer(post.id))) as Stage["run"];

test("a run is told post by post: outcomes of events, of stages, and why", async () => {
  const mixed = byId((id) => {
    if (id === "p0") return pass("no_image");
    if (id === "p1") return fail(new Fault("STAGE_TIMEOUT", { stage: "a", afterMs: 1 }));
    if (id === "p2") return pass("budget", true);
    return ok({});
  });
  const posts = Array.from({ length: 8 }, (_, i) => delivered(postOf(i), i));
  const quick: Stage = { quick: ({ post }) => (post.id === "p7" ? pass("confident") : undefined), run: mixed };
  const samples = await shown(await ran(posts, [stage("a", quick)]));
  const of = (name: string, labels?: Sample["labels"]) => numberOf(samples, name, labels);
  expect(["ok", "degraded", "dead_letter"].map((outcome) => of("ner_events_total", { outcome }))).toEqual([6, 1, 1]);
  const labels = { stage: "a", plugin: "plugin-a" };
  const counts = (name: string) =>
    ["ok", "passed", "failed", "quick"].map((outcome) => of(`${name}_count`, { ...labels, outcome }));
  expect(counts("ner_stage_duration_seconds")).toEqual([4, 2, 1, 1]);
  expect(counts("ner_stage_queue_seconds").slice(0, 3)).toEqual([4, 2, 1]);
  expect(of("ner_stage_skipped_total", { stage: "a", reason: "no_image" })).toBe(1);
  expect(of("ner_stage_skipped_total", { stage: "a", reason: "budget" })).toBe(1);
  expect(of("ner_stage_skipped_total", { stage: "a", reason: "confident" })).toBe(1);
  expect(of("ner_stage_errors_total", { stage: "a", error_type: "STAGE_TIMEOUT" })).toBe(1);
  expect(of("ner_event_duration_seconds_count")).toBe(8);
  expect(["ner_posts_read_total", "ner_posts_inflight", "ner_posts_window"].map((name) => of(name))).toEqual([
    8, 0, 64,
  ]);
  expect(of("ner_stage_inflight", { stage: "a" })).toBe(0);
  expect(of("ner_build_info", { version: "1.2.3" })).toBe(1);
});

test("time in the queue and time in the batch are told apart", async () => {
  const slow: Stage["run"] = async (batch) => {
    await new Promise((done) => setTimeout(done, 120));
    return batch.map(() => ok({}));
  };
  // One slot, batches of four: the second four wait for the first.
  const one = { ...stage("a", slow), flow: { ...stage("a", slow).flow, concurrency: 1 } };
  const samples = await shown(
    await ran(
      Array.from({ length: 8 }, (_, i) => delivered(postOf(i), i)),
      [one],
    ),
  );
  const bucket = (name: string, le: string) => numberOf(samples, `${name}_bucket`, { le, outcome: "ok" });
  expect([bucket("ner_stage_queue_seconds", "0.05"), bucket("ner_stage_queue_seconds", "+Inf")]).toEqual([4, 8]);
  expect([bucket("ner_stage_duration_seconds", "0.1"), bucket("ner_stage_duration_seconds", "+Inf")]).toEqual([0, 8]);
});

test("entities are counted by type, and the age of events from the post's own time", async () => {
  const draft = {
    mentions: [{ start: 0, end: 2, type: "PER", confidence: 0.85 }],
    expected: { correct: 0.75, gold: 1.25 },
  };
  const tagging = { ...draft, context: "text", model: "m" } as const;
  const tags = {
    ...stage(
      "a",
      byId(() => ok({ tagging })),
    ),
    plugin: { name: "a", needs: [], uses: [], gives: ["tagging"] },
  };
  const minuteAgo = new Date(Date.now() - 60_500).toISOString();
  const posts = [{ createdAt: minuteAgo }, { createdAt: "2999-01-01T00:00:00Z" }, {}].map((more, i) =>
    delivered(ok({ id: `${i}`, text: "Ada Lovelace", ...more }), i),
  );
  const samples = await shown(await ran(posts, [tags as never]));
  expect(numberOf(samples, "ner_entities_total", { type: "PER" })).toBe(3);
  expect(numberOf(samples, "ner_entity_confidence_bucket", { type: "PER", le: "0.8" })).toBe(0);
  expect(numberOf(samples, "ner_entity_confidence_bucket", { type: "PER", le: "0.9" })).toBe(3);
  const sums = ["predicted", "expected_correct", "expected_gold"].map((what) =>
    numberOf(samples, `ner_eval_${what}_total`, { model_version: "m" }),
  );
  expect(sums).toEqual([3, 2.25, 3.75]);
  const age = (le: string) => numberOf(samples, "ner_event_age_seconds_bucket", { le });
  // A post from the future is not older than nothing; one without a time is not counted.
  expect([age("0.1"), age("60"), age("300"), age("+Inf")]).toEqual([1, 1, 2, 2]);
});

test("under OpenMetrics the slowest post of a batch shows its trace; text has none, in whatever order they are asked", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const post = delivered(postOf(0), 0);
  const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01` };
  const metrics = await ran([{ ...post, origin: { ...post.origin, headers } }], []);
  const open = await metrics.show(OPEN);
  expect(open.type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(open.body).toMatch(
    new RegExp(`^ner_event_duration_seconds_bucket\\{le="[\\d.]+"\\} 1 # \\{trace_id="${trace}"\\}`, "m"),
  );
  expect(open.body).toContain("# TYPE ner_events counter\n");
  expect(open.body).toContain('ner_events_total{outcome="ok"} 1\n');
  expect(open.body.endsWith("\n# EOF\n")).toBe(true);
  const text = await metrics.show();
  expect(text.type).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(text.body).not.toContain(trace);
  expect(text.body).toContain("# TYPE ner_events_total counter\n");
  expect(text.body).toContain('ner_events_total{outcome="ok"} 1\n');
  expect((await metrics.show(OPEN)).body).toContain('ner_events_total{outcome="ok"} 1\n');
});

test("hostile names of stages, plugins, models and types stay fit for a label, and few", async () => {
  const metrics = createMetrics({ version: "1" });
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.constant('a"}\n# EOF\nner_events_total{outcome="ok'),
  );
  const names = fc.sample(hostile, { numRuns: 500, seed: 7 }).map((name, i) => (i % 2 === 0 ? name : `${i}${name}`));
  for (const name of names) {
    metrics.observe.batch!({ ...report, stage: name, plugin: name });
    metrics.observe.written!([written({ type: name })]);
    metrics.count(`${name}_total`, 1);
    metrics.count("good_total", Number.NaN);
    metrics.measure("ner_llm_cost_usd_total", 0.25, { model: name });
    (metrics.measure as (...told: unknown[]) => void)(name, 1, {});
    metrics.measure("gen_ai_client_token_usage", 10, {
      gen_ai_operation_name: name,
      gen_ai_provider_name: name,
      gen_ai_request_model: name,
      gen_ai_token_type: name,
    });
  }
  metrics.opened({
    source: {},
    resources: new Map(
      names.map((name) => [name, { port: "tagger@1", value: { model: { version: name, sha256: name } } }]),
    ),
  });
  for (const accept of [undefined, OPEN]) {
    const samples = await shown(metrics, accept);
    for (const { labels } of samples)
      for (const value of Object.values(labels)) expect(value).toMatch(/^[\w.:/@+-]{0,64}$/);
    expect(new Set(samples.map(({ labels }) => labels.stage)).size).toBeLessThanOrEqual(52);
    expect(new Set(samples.map(({ labels }) => labels.type)).size).toBeLessThanOrEqual(70); // those of Node, too
    expect(numberOf(samples, "ner_entities_total", { type: "other" })).toBeGreaterThan(150);
    expect(numberOf(samples, "ner_plugin_counts_dropped_total")).toBeGreaterThan(200);
    expect(numberOf(samples, "good_total")).toBe(0);
    const dollars = samples.filter(({ name }) => name === "ner_llm_cost_usd_total");
    expect(dollars.reduce((sum, { value }) => sum + value, 0)).toBe(0.25 * names.length);
    const series = new Map<string, number>();
    for (const { name, labels } of samples) if (!("le" in labels)) series.set(name, (series.get(name) ?? 0) + 1);
    expect(Math.max(...series.values())).toBeLessThanOrEqual(201);
  }
});

test("a plugin cannot take a name of the core for a counter of its own, nor break the page with its figures", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.count("ner_events_total", 7);
  metrics.count("process_cpu_seconds_total", 7);
  const broken = {
    model: "openai/x",
    figures: () => {
      throw new Error("closed");
    },
  };
  const guard = { model: "openai/gpt-4o-mini", figures: () => ({ circuitOpen: 1, budgetLeftUsd: 0.5, underWay: 3 }) };
  metrics.opened({
    source: { health: () => ({ ready: true, lag: [{ topic: "posts", partition: 3, messages: 17 }] }) },
    resources: new Map([["a", { port: "chat@1", value: guard }]]),
  });
  const samples = await shown(metrics);
  expect(numberOf(samples, "ner_events_total", { outcome: "ok" })).toBe(0);
  expect(numberOf(samples, "ner_plugin_counts_dropped_total")).toBe(2);
  expect(numberOf(samples, "ner_llm_circuit_open", { model: "openai/gpt-4o-mini" })).toBe(1);
  expect(numberOf(samples, "ner_llm_budget_remaining_usd", { model: "openai/gpt-4o-mini" })).toBe(0.5);
  expect(numberOf(samples, "ner_kafka_consumer_lag_messages", { topic: "posts", partition: "3" })).toBe(17);
  const other = createMetrics({ version: "1" });
  other.opened({ source: {}, resources: new Map([["a", { port: "chat@1", value: broken }]]) });
  expect(numberOf(await shown(other), "ner_build_info")).toBe(1);
});

const report = {
  size: 1,
  quick: false,
  startedAt: 1,
  posts: [{ arrivedAt: 0 }],
  said: ["ok"] as const,
  queueSeconds: 0.001,
  computeSeconds: 0.001,
  ok: 1,
  passed: 0,
  failed: 0,
};

const written = ({ type }: { type: string }) => ({
  record: { schema: "starling.entities/1", degraded: [], entities: [{ type, confidence: 0.5 }] } as never,
  origin: delivered(postOf(0), 0).origin,
  final: true,
  transit: { readAt: 0 },
});
