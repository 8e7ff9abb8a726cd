import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfigText } from "../config/index.ts";
import { checkConfig } from "../plan.ts";

const folder = mkdtempSync(join(tmpdir(), "starling-"));
const model = join(import.meta.dirname, "../../models/default");
writeFileSync(join(folder, "events.ndjson"), "");
writeFileSync(join(folder, "labels.ndjson"), "");
const broken = join(folder, "broken");
mkdirSync(broken);
writeFileSync(join(broken, "manifest.json"), "{");

const log = { use: "log-kafkajs", options: { brokers: ["x:1"] } };
const topics = { events: { topics: ["entities"] }, feedback: { topics: ["labels"] }, store: "drift.sqlite" };
const files = { events: { files: ["events.ndjson"] }, feedback: { files: ["labels.ndjson"] } };

async function found(drift: object, resources: object = { broker: log }, options = {}) {
  const text = parseConfigText(JSON.stringify({ resources, drift }), join(folder, "x.yaml"), {});
  return (await checkConfig(text, options)).problems.map(({ message, code }) => `${message} [${code}]`);
}

test("a drift section that is in order has no problems", async () => {
  expect(await found({ ...topics, model })).toEqual([]);
  expect(await found({ ...topics, client: "b" }, { a: log, b: log })).toEqual([]);
  expect(await found({ ...files, model }, {})).toEqual([]);
});

test.each<[string, object, object, RegExp]>([
  ["topics without a store", { ...topics, store: undefined }, { broker: log }, /no store; name a file in drift\.store/],
  ["one topic for both", { ...topics, feedback: topics.events }, { broker: log }, /topics: entities holds the events/],
  ["one file for both", { ...files, feedback: files.events }, {}, /files: events.ndjson holds the events/],
  ["topics and no log", topics, {}, /no client of a log; add one to its resources/],
  ["topics and two logs", topics, { a: log, b: log }, /has the clients a, b; name one of them in drift\.client/],
  ["a client that is not there", { ...topics, client: "nope" }, { broker: log }, /"nope".*\[RESOURCE_UNKNOWN\]$/],
  ["a client that is no log", { ...topics, client: "bank" }, { bank: { use: "bank-file" } }, /\[RESOURCE_PORT\]$/],
])("%s is refused, whatever files there are", async (_, drift, resources, reason) => {
  expect(await found(drift, resources, { look: false })).toContainEqual(expect.stringMatching(reason));
});

test("what it names has to be there, where it is looked at", async () => {
  const missing = {
    events: { files: ["events.ndjson", "none.ndjson"] },
    feedback: { files: ["nothing.ndjson"] },
    ...{ model: "none", store: "events.ndjson/drift.sqlite" },
  };
  const reasons = [
    /none\.ndjson: there is no such file.*\[DATA_UNREADABLE\]$/,
    /nothing\.ndjson: there is no such file.*\[DATA_UNREADABLE\]$/,
    /none has no manifest\.json.*\[MANIFEST_MISSING\]$/,
    /events\.ndjson\/drift\.sqlite cannot be used: \S*events\.ndjson is no folder.*\[DRIFT_STORE\]$/,
  ];
  expect(await found(missing)).toEqual(reasons.map((reason) => expect.stringMatching(reason)));
  // Its folder is made when the store is.
  expect(await found({ ...files, store: "none/yet/drift.sqlite" }, {})).toEqual([]);
  expect(await found({ ...files, model: "broken" })).toEqual([expect.stringMatching(/\[MANIFEST_BROKEN\]$/)]);
  expect(await found(missing, { broker: log }, { look: false })).toEqual([]);
  expect(await found(missing, { broker: log }, { toRun: false, purpose: "train" })).toEqual([]);
});
