import { expect, test } from "vitest";
import { processRegistry } from "../metrics/process.ts";
import { readAnswer } from "./answer.ts";
import { tellLines } from "./lines.ts";
import { ada, event, feedback, may, unreferenced, watched } from "./made.test-help.ts";
import { metricsOf } from "./metrics.ts";
import { alarms, reportPage } from "./page.ts";

const hostile = `"</script><img src=x onerror=alert(1)>\n{}`;
const many = (count: number, change: (i: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, i) => event({ key: `k${i}`, postId: `p${i}`, ...change(i) }));
const labels = (count: number, change: (i: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, i) => feedback({ key: `k${i}`, ...change(i) }));

/** 300 posts, each with the right PER and a wrong LOC. */
function told(section: object = {}) {
  const at = watched({
    section: { every: 100, ...section },
    reference: { ...unreferenced, version: "m-1", f1: { all: 0.9 } },
  });
  at.events(...many(300));
  at.labels(...labels(300));
  return at.watch.tell();
}

test("labelled and estimated F1 stand beside the reference, in both windows", () => {
  const { evaluations, history, labels: windows, notes } = told();
  const of = (source: string, window: string) =>
    evaluations.find((one) => one.source === source && one.window === window && one.type === "all")!;
  for (const window of ["24h", "last_2000"])
    expect(of("labelled", window)).toMatchObject({ precision: 0.5, recall: 1, posts: 300, support: 300 });
  expect(of("estimated", "last_2000").f1).toBeCloseTo((2 * 1.7) / 4, 3);
  // The posts are two days old; their labels came yesterday.
  expect(of("estimated", "24h")).toBeUndefined();
  expect(windows[0]).toMatchObject({ window: "24h", model: "m-1", labels: 300, delaySeconds: 36 * 3600 });
  expect(history.map(({ posts }) => posts)).toEqual([100, 200, 300]);
  expect(notes).toEqual([]);
});

test("names of strangers are cut for a terminal", () => {
  const long = "L".repeat(5000);
  const at = watched({ section: { support: 1 }, reference: { ...unreferenced, version: "m-1", f1: { all: 1 } } });
  at.events(...many(3, () => ({ model: long })));
  at.labels(...labels(3, () => ({ entities: [{ ...ada, type: long }] })));
  const lines = tellLines(at.watch.tell());
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300);
  expect(lines.join("\n")).toContain(`F1 labelled, 24h, ${"L".repeat(64)}…, ${"L".repeat(64)}…: 0.00`);
});

test("labels that were made before the hours of the window are in the other window alone", () => {
  const at = watched({ now: () => may(9) });
  at.events(...many(300));
  at.labels(...labels(300));
  const windows = at.watch.tell().labels.map(({ window, labels }) => [window, labels]);
  expect(windows).toEqual([["last_2000", 300]]);
});

test("F1 whose upper bound lies below the reference is an alarm; so is a feature above its threshold", () => {
  expect(alarms(told())).toEqual([
    expect.stringMatching(/^F1 of all \(24h, m-1\) is at most 66\.67, and was 90\.00$/),
    expect.stringMatching(/^F1 of all \(last_2000, m-1\)/),
  ]);
  const drift = { feature: "types", score: 0.2, threshold: 0.1, buckets: [], reference: [], live: [] } as const;
  expect(alarms({ ...told({ support: 1000 }), drift: [drift] })).toEqual(["types: 0.2000, more than 0.1000"]);
});

test("how far drafts and the LLM's list differ from the final entities is told", () => {
  const knowledge = {
    ...{ source: "llm", usd: 0, neighbours: [] },
    names: [
      { text: "ADA", type: "person", inPost: true },
      { text: "Bob", type: "person", inPost: false },
    ],
  };
  const at = watched();
  at.events(...many(100));
  at.events(...many(100, () => ({ revision: 1, entities: event().entities.slice(0, 1), knowledge })));
  expect(at.watch.tell().disagreement).toEqual([
    { pair: "draft_final", score: expect.closeTo(1 - 2 / 3, 9), posts: 100 },
    { pair: "llm_final", score: 0, posts: 100 },
  ]);
});

test("estimates of a revised post count once", () => {
  const at = watched();
  at.events(...many(300));
  at.events(...many(300, () => ({ revision: 1, entities: [], expected: { correct: 0, gold: 1 } })));
  for (const { f1, posts, support } of at.watch.tell().evaluations) expect([f1, posts, support]).toEqual([0, 300, 300]);
});

test("metrics hold what is told, and nothing of F1 below the support", async () => {
  const { body, type } = await metricsOf(told());
  expect(type).toMatch(/^text\/plain/);
  expect(body).toContain('ner_eval_f1{source="labelled",type="all",window="24h",model_version="m-1"} 0.666');
  expect(body).toContain('ner_eval_reference_f1{type="all",model_version="m-1"} 0.9');
  expect(body).toContain('ner_drift_feedback_total{result="joined"} 300');
  expect(body).toContain('ner_drift_feedback_total{result="expired"} 0');
  const few = await metricsOf(told({ support: 1000 }));
  expect(few.body).not.toMatch(/^ner_eval_f1\{/m);
  expect(few.body).toContain('ner_eval_support{source="labelled",type="all",window="24h",model_version="m-1"} 300');
});

test("those of the process stand beside them, each once", async () => {
  const { body } = await metricsOf(told(), processRegistry());
  const names = Array.from(body.matchAll(/^# TYPE (\S+) /gm), ([, name]) => name);
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(
    expect.arrayContaining(["ner_eval_f1", "process_cpu_seconds_total", "nodejs_eventloop_lag_seconds"]),
  );
  for (const line of body.split("\n")) expect(line).toMatch(/^(#.*|\w+(\{.*\})? \S+|)$/);
});

test("a type of the name all stands beside the sum of all types, not in its place", async () => {
  const at = watched({ reference: { ...unreferenced, version: "m-1", f1: { all: 0.9 } } });
  at.events(...many(300));
  at.labels(...labels(300, () => ({ entities: [ada, { start: 7, end: 13, type: "all" }] })));
  const told = at.watch.tell();
  const { body } = await metricsOf(told);
  const of = (name: string, type: string) =>
    new RegExp(`^${name}\\{source="labelled",type="${type}",window="24h",.*\\} (\\S+)$`, "m").exec(body)?.[1];
  expect([of("ner_eval_support", "all"), of("ner_eval_f1", "all")]).toEqual(["600", "0.5"]);
  expect([of("ner_eval_support", "type:all"), of("ner_eval_f1", "type:all")]).toEqual(["300", "0"]);
  expect(alarms(told).filter((alarm) => /^F1/.test(alarm))).toHaveLength(2);
});

test("hostile names of models and types stay labels, few and short", async () => {
  const at = watched({ section: { support: 1 } });
  at.events(
    ...many(300, (i) => ({
      model: `${hostile}${"x".repeat(500)}${i}`,
      entities: event().entities.map((one) => ({ ...one, type: `${hostile}${i}` })),
    })),
  );
  at.labels(...labels(300, (i) => ({ entities: [{ start: 0, end: 3, type: `other ${hostile}${i}` }] })));
  const { body } = await metricsOf(at.watch.tell());
  const series = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(series.length).toBeLessThan(500);
  for (const line of series) expect(line).toMatch(/^ner_[a-z0-9_]+(\{.*\})? \S+$/);
  expect(Math.max(...series.map(({ length }) => length))).toBeLessThan(500);
});

test("the page needs nothing else, and hostile names stay text in it", async () => {
  const at = watched({ section: { support: 1, every: 100 } });
  at.events(...many(300, () => ({ model: hostile })));
  at.labels(...labels(300));
  const page = await reportPage(at.watch.tell());
  expect(page).not.toContain("<img");
  expect(page.match(/<script/g)).toHaveLength(3);
  const data = /<script type="application\/json" id="told">(.*?)<\/script>/s.exec(page)![1]!;
  expect(page.replace(data, "")).not.toMatch(/<[^>]* (src|href)=/);
  expect(JSON.parse(data)).toMatchObject({ schema: "starling.drift/1", model: hostile });
});

test("what is kept, what came early and what waits now are told apart", async () => {
  const at = watched({ section: { every: 100 } });
  at.labels(...labels(52));
  at.events(...many(50));
  const told = at.watch.tell();
  const page = await reportPage(told);
  expect(page).toContain("50 posts read, 50 of them kept, 2 labels wait for their event.</p>");
  expect(page).toContain("<td>came before their event</td><td>52</td>");
  expect(page).toContain("<td>wait now</td><td>2</td>");
  expect(tellLines(told)).toContain("labels: 52 came before their event, 50 joined; 2 wait now");
  const { body } = await metricsOf(told);
  expect(body).toMatch(/^ner_drift_stored_events 50$/m);
  expect(body).toMatch(/^ner_drift_waiting_labels 2$/m);
});

test("lines for people say the same", () => {
  const lines = tellLines(told()).join("\n");
  expect(lines).toContain("300 posts of m-1");
  expect(lines).toContain("F1 labelled, 24h, all, m-1: 66.67 (66.67 to 66.67), 300 entities");
  expect(lines).toContain("ALARM F1 of all");
});

test("no event, or none that could be read, is told as that", () => {
  const at = watched();
  expect(tellLines(at.watch.tell())[0]).toBe("there were no events");
  at.events("nonsense");
  expect(tellLines(at.watch.tell())[0]).toBe("no event could be read");
});

test("where the config names no labels, none are counted", async () => {
  const at = watched({ section: { feedback: undefined } });
  at.events(event());
  const told = at.watch.tell();
  expect(tellLines(told)).toContain("labels: the config names none");
  const { body } = await metricsOf(told);
  expect(body).toContain('ner_drift_events_total{result="kept"} 1');
  expect(body).not.toContain("ner_drift_feedback_total");
  expect(await reportPage(told)).toContain("<td>kept</td>");
});

test("what is told comes back whole from its JSON, and something else is refused", () => {
  const { history, ...rest } = told();
  const back = readAnswer(JSON.stringify({ history, ...rest }), "http://a");
  expect(back).toEqual(JSON.parse(JSON.stringify({ history, ...rest })));
  expect(history.length).toBeGreaterThan(0);
  for (const text of ["<html>", "null", '{"schema":"starling.drift/1"}', JSON.stringify({ ...rest, history: [{}] })])
    expect(() => readAnswer(text, "http://a")).toThrow(/^http:\/\/a: it is no report of starling drift/);
});

test("of a flood of records that cannot be read ten a second are told, without what a stranger wrote", () => {
  let now = may(3);
  const at = watched({ now: () => now });
  at.labels(...Array.from({ length: 250 }, () => ({ ...feedback(), "Ada lives in London": 1 })));
  expect(at.warnings).toHaveLength(10);
  expect(at.warnings[0]).toEqual([
    "this is no feedback",
    { where: "t/0:0", reason: "it has a key that does not belong there" },
  ]);
  now += 1000;
  at.events("nonsense");
  expect(at.warnings.slice(10).map(([message, { records }]) => [message, records])).toEqual([
    ["more records that could not be read", "240"],
    ["this is no event", undefined],
  ]);
  expect(at.watch.counts).toMatchObject({ feedback: { invalid: 250 }, events: { invalid: 1 } });
});
