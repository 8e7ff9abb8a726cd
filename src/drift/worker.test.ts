import { expect, test } from "vitest";
import { unreferenced } from "./made.test-help.ts";
import { tellWorker } from "./worker.ts";

const confidence = {
  feature: "confidence",
  buckets: ["< 0.5", "< 0.9", ">= 0.9"],
  shares: [0.1, 0.2, 0.7],
  counted: 1e5,
};
const types = { feature: "types", buckets: ["LOC", "PER", "other"], shares: [0.5, 0.5, 0], counted: 1e5 };
const reference = {
  ...{ ...unreferenced, version: "m-1", f1: { all: 0.9 } },
  population: [types, confidence] as typeof unreferenced.population,
};
const metrics = `# HELP ner_events_total Posts.
ner_events_total{outcome="ok"} 900
ner_events_total{outcome="degraded"} 100
ner_eval_predicted_total{model_version="m-1"} 1600
ner_eval_expected_correct_total{model_version="m-1"} 1200
ner_eval_expected_gold_total{model_version="m-1"} 1600.5
ner_entities_total{type="PER"} 1300
ner_entities_total{type="say \\"EVENT\\""} 300
ner_entity_confidence_bucket{type="PER",le="0.5"} 160
ner_entity_confidence_bucket{type="PER",le="0.9"} 480
ner_entity_confidence_bucket{type="PER",le="+Inf"} 1600
nonsense
`;

test("the metrics of a worker give an estimate, the mix of types and how sure it is", () => {
  const { evaluations, drift, events, model } = tellWorker(metrics, { reference, section: { support: 200 }, now: 0 });
  expect([model, events.ever]).toEqual(["m-1", 1000]);
  expect(evaluations).toEqual([expect.objectContaining({ source: "estimated", enough: true, precision: 0.75 })]);
  const [mix, sure] = drift;
  expect([mix!.feature, mix!.live]).toEqual(["types", [0, 0.8125, 0.1875]]);
  expect(mix!.score).toBeGreaterThan(mix!.threshold);
  expect([sure!.feature, sure!.live, sure!.score]).toEqual(["confidence", [0.1, 0.2, 0.7], expect.closeTo(0, 9)]);
});

test("a worker that tells nothing of it is told as such", () => {
  const { evaluations, drift, notes } = tellWorker("up 1\n", { reference, section: { support: 200 }, now: 0 });
  expect([evaluations, drift]).toEqual([[], []]);
  expect(notes).toContain("the worker tells no expected counts: F1 cannot be estimated");
});
