import { expect, test, vi } from "vitest";
import type { Facts } from "../facts.ts";
import { fail, type Outcome, ok, pass } from "../outcome.ts";
import type { Stage } from "../plugin.ts";
import { eventSchema } from "../schema/event.ts";
import { delivered } from "./in-memory.ts";
import { deadOf, eventsOf, giving, okAll, onVirtualTime, sleep, stageOf, start, tagging } from "./run.test-help.ts";
import type { BatchReport } from "./types.ts";

onVirtualTime();

const ask = (yes: boolean) => ({ yes, gain: 1, reason: yes ? "pays" : "confident" });

const drafting = stageOf(
  "draft",
  giving(() => ok({ draft: tagging("draft-1", 0.5) })),
  {},
  { gives: ["draft"] },
);

const gate = stageOf(
  "gate",
  giving((id) => ok({ ask: ask(id === "p1") })),
  {},
  { needs: ["draft"], gives: ["ask"] },
);

const finalStage = (run: (id: string) => Outcome<Partial<Facts>>) =>
  stageOf(
    "final",
    {
      quick: ({ facts }: { facts: Partial<Facts> }) => (facts.ask?.yes ? undefined : ok({ tagging: facts.draft })),
      run: giving(run),
    } as Stage,
    {},
    { needs: ["draft"], uses: ["ask"], gives: ["tagging"] },
  );

test("a post that is asked about sends revision 0, then revision 1; any other sends one final event", async () => {
  const run = start(2, [drafting, gate, finalStage(() => ok({ tagging: tagging("final-1", 0.9) }))]);
  await vi.runAllTimersAsync();
  const summary = await run.done;
  const seen = eventsOf(run).map(({ postId, revision, final, model }) => [postId, revision, final, model]);
  expect(seen.filter(([id]) => id === "p0")).toEqual([["p0", 0, true, "draft-1"]]);
  expect(seen.filter(([id]) => id === "p1")).toEqual([
    ["p1", 0, false, "draft-1"],
    ["p1", 1, true, "final-1"],
  ]);
  expect(summary).toMatchObject({ read: 2, emitted: 2, records: 3, deadLettered: 0 });
  expect(run.settled.toSorted()).toEqual([0, 1]);
  for (const event of eventsOf(run)) expect(eventSchema.safeParse(event).success).toBe(true);
});

test("a final that fails after revision 0 sends the draft as revision 1, degraded", async () => {
  const run = start(2, [drafting, gate, finalStage(() => fail(new Error("no model")))]);
  await vi.runAllTimersAsync();
  await run.done;
  const last = eventsOf(run).find(({ postId, final }) => postId === "p1" && final);
  expect(last).toMatchObject({ revision: 1, model: "draft-1", degraded: [{ stage: "final", reason: "unexpected" }] });
  expect(run.dead.written).toEqual([]);
});

test("an entity says where it stands in UTF-16, in code points and in words", async () => {
  const post = ok({ id: "p1", text: "🎉🎉 Ada Lovelace" });
  const mention = { ...tagging("m", 0.75), mentions: [{ start: 2, end: 4, type: "PER", confidence: 0.75 }] };
  const run = start(
    [delivered(post, 0)],
    [
      stageOf(
        "tag",
        giving(() => ok({ tagging: mention })),
        {},
        { gives: ["tagging"] },
      ),
    ],
  );
  await vi.runAllTimersAsync();
  await run.done;
  expect(eventsOf(run)[0]!.entities).toEqual([
    {
      text: "Ada Lovelace",
      type: "PER",
      start: 5,
      end: 17,
      codePoints: { start: 3, end: 15 },
      words: { start: 2, end: 4 },
      confidence: 0.75,
    },
  ]);
});

test("a mention beyond the words of its post costs that post only", async () => {
  const broken = { ...tagging("m", 1), mentions: [{ start: 0, end: 99, type: "PER", confidence: 1 }] };
  const tag = giving((id) => ok({ tagging: id === "p0" ? broken : tagging("m", 1) }));
  const run = start(2, [stageOf("tag", tag, {}, { gives: ["tagging"] })]);
  await vi.runAllTimersAsync();
  await run.done;
  expect(deadOf(run)).toEqual([["p0", "UNEXPECTED"]]);
  expect(eventsOf(run).map(({ postId }) => postId)).toEqual(["p1"]);
});

test("a stage sees the facts it declared, and passes where one it needs was not given", async () => {
  const seen: string[][] = [];
  const note: Stage["run"] = async (batch) => {
    seen.push(...batch.map(({ facts }) => Object.keys(facts)));
    return okAll(batch);
  };
  const passing = stageOf(
    "retriever",
    giving((id) => (id === "p0" ? pass("empty_bank") : ok({ neighbours: [] }))),
    {},
    { gives: ["neighbours"] },
  );
  const run = start(2, [drafting, passing, stageOf("reader", note, {}, { needs: ["neighbours"] })]);
  await vi.runAllTimersAsync();
  const summary = await run.done;
  expect(seen).toEqual([["neighbours"]]);
  expect(summary.passed).toEqual({ retriever: { empty_bank: 1 }, reader: { no_neighbours: 1 } });
});

test("a record that is no post, and no failure either, is settled without an event", async () => {
  const settled: number[] = [];
  const run = start([delivered(pass("tombstone"), 0, (i) => void settled.push(i))], [drafting]);
  await vi.runAllTimersAsync();
  expect(await run.done).toMatchObject({ read: 1, emitted: 0, passed: { source: { tombstone: 1 } } });
  expect(settled).toEqual([0]);
});

test("batches are reported with their size, times and outcomes", async () => {
  const mixed = giving((id) => (id === "p0" ? pass("nothing") : id === "p1" ? fail(new Error("no")) : ok({})));
  const run = start(4, [
    stageOf("s", async (batch, signal) => {
      await sleep(20);
      return mixed(batch, signal);
    }),
  ]);
  await vi.runAllTimersAsync();
  await run.done;
  const [{ posts, startedAt, ...report }] = run.reports as [BatchReport];
  expect(run.reports).toHaveLength(1);
  expect(report).toEqual({
    stage: "s",
    plugin: "s",
    size: 4,
    quick: false,
    queueSeconds: 0,
    computeSeconds: 0.02,
    said: ["passed", "failed", "ok", "ok"],
    ok: 2,
    passed: 1,
    failed: 1,
  });
  expect(posts.map(({ arrivedAt }) => arrivedAt)).toEqual(new Array(4).fill(startedAt));
});
