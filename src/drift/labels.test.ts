import { describe, expect, test } from "vitest";
import { newestEvents } from "./emitted.ts";
import { newestLabels } from "./labels.ts";
import { ada, event, feedback, freshPath, limits, may, watched } from "./made.test-help.ts";
import { openStore } from "./store.ts";

const tallies = ({ store }: Pick<ReturnType<typeof watched>, "store">) =>
  newestLabels(store, 10).map(({ predicted, gold, model, weight }) => [predicted.length, gold, model, weight]);

describe("a label", () => {
  test("is joined with the event of its key, or the newest of its post", () => {
    const at = watched();
    at.events(event(), event({ key: "posts/0:2:v", postId: "p2", entities: [] }));
    at.labels(feedback({ weight: 2.5 }), { ...feedback({ postId: "p2", entities: [] }), key: undefined });
    expect(tallies(at)).toEqual(
      expect.arrayContaining([
        [2, [ada], "m-1", 2.5],
        [0, [], "m-1", 1],
      ]),
    );
    expect(at.watch.counts).toEqual({ events: { kept: 2 }, feedback: { joined: 2 } });
  });

  test("of a post that was not seen waits, and is joined when its event comes", () => {
    const at = watched();
    at.labels(feedback());
    expect([at.watch.tell().waiting, at.watch.counts.feedback]).toEqual([1, { waiting: 1 }]);
    at.events(event());
    expect([at.watch.tell().waiting, at.watch.counts.feedback]).toEqual([0, { waiting: 1, joined: 1 }]);
    expect(tallies(at)).toEqual([[2, [ada], "m-1", 1]]);
  });

  test("that waited too long is given up, and counted", () => {
    let now = may(3);
    const at = watched({ now: () => now });
    at.labels(feedback());
    now += 61_000;
    at.events(...Array.from({ length: 1000 }, (_, i) => event({ key: `k${i}` })));
    expect(at.watch.counts.feedback).toEqual({ waiting: 1, expired: 1 });
    expect(at.watch.tell().waiting).toBe(0);
  });

  test("more than may wait push the oldest out", () => {
    const at = watched();
    at.labels(...Array.from({ length: 150 }, (_, i) => feedback({ key: `k${i}` })));
    expect(at.watch.tell().waiting).toBe(100);
    at.events(event({ key: "k0" }), event({ key: "k149" }));
    expect(at.watch.counts.feedback).toEqual({ waiting: 150, pushed_out: 50, joined: 1 });
  });

  test("that waits is pushed out by those that wait, not by those that were joined", () => {
    const at = watched();
    at.labels(feedback({ key: "late" }));
    for (let i = 0; i < 150; i++) {
      at.labels(feedback({ key: `k${i}` }));
      at.events(event({ key: `k${i}` }));
    }
    at.events(event({ key: "late" }));
    expect(at.watch.counts.feedback).toEqual({ waiting: 151, joined: 151 });
    expect(at.watch.tell().waiting).toBe(0);
  });

  test("beyond the limit goes, the oldest first, where all were made at one time too", () => {
    const at = watched({ store: openStore(":memory:", { ...limits, labels: 500 }) });
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    at.events(...keys.map((key) => event({ key })));
    at.labels(feedback({ key: "k1", labelledAt: "2026-05-02T13:00:00Z" }));
    at.labels(...keys.filter((key) => key !== "k1").map((key) => feedback({ key })));
    const left = at.store.all<{ event: number }>("SELECT event FROM labels ORDER BY event").map(({ event }) => event);
    // Those of the last events, and the one that was made later.
    expect(left).toEqual([2, ...Array.from({ length: 499 }, (_, i) => 502 + i)]);
  });

  test("of another model than the event's is not counted, and joined once that model answers", () => {
    const at = watched();
    at.events(event());
    at.labels({ ...feedback({ model: "m-2", postId: "p1" }), key: undefined });
    expect([tallies(at), at.watch.counts.feedback]).toEqual([[], { other_model: 1 }]);
    at.events(event({ key: "posts/0:1:w", model: "m-2", entities: [] }));
    expect(tallies(at)).toEqual([[0, [ada], "m-2", 1]]);
  });

  test("with a span off the text is not counted", () => {
    const at = watched();
    at.events(event());
    at.labels(feedback({ entities: [{ start: 7, end: 14, type: "LOC" }] }));
    expect([tallies(at), at.watch.counts.feedback]).toEqual([[], { off_text: 1 }]);
  });

  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["another schema", { ...feedback(), schema: "starling.post/1" }, "schema: "],
    ["no post", { ...feedback(), key: undefined }, "names no post"],
    ["a span that ends before it starts", feedback({ entities: [{ start: 5, end: 5, type: "PER" }] }), "entities.0: "],
    ["a weight of 0", feedback({ weight: 0 }), "weight: "],
    ["a time that is none", feedback({ labelledAt: "yesterday" }), "labelledAt: "],
  ])("that is %s is told with its place, and nothing of its text", (_, value, reason) => {
    const at = watched();
    at.labels(value);
    expect(at.watch.counts.feedback).toEqual({ invalid: 1 });
    expect(at.warnings).toEqual([["this is no feedback", { where: "t/0:0", reason: expect.stringContaining(reason) }]]);
  });

  test("that comes twice counts once, and the same span in it too", () => {
    const at = watched();
    at.events(event());
    at.labels(feedback({ entities: [ada, ada] }), feedback());
    expect([tallies(at), at.watch.counts.feedback]).toEqual([[[2, [ada], "m-1", 1]], { joined: 1, repeated: 1 }]);
  });

  test("of a later time replaces an earlier one, in whatever order they come", () => {
    const [first, second] = [feedback(), feedback({ entities: [], labelledAt: "2026-05-02T13:00:00Z" })];
    for (const [order, counted] of [
      [[first, second], { joined: 1, replaced: 1 }],
      [[second, first], { joined: 1, outdated: 1 }],
    ] as const) {
      const at = watched();
      at.events(event());
      at.labels(...order);
      expect([tallies(at), at.watch.counts.feedback]).toEqual([[[2, [], "m-1", 1]], counted]);
    }
  });

  test("from the future counts as made now", () => {
    const at = watched();
    at.events(event());
    at.labels(feedback({ labelledAt: "2031-01-01T00:00:00Z" }));
    expect(newestLabels(at.store, 1)[0]!.labelled).toBe(may(3));
  });

  test("has its type renamed", () => {
    const at = watched({ section: { labelMap: { OTHER: "PER" } } });
    at.events(event());
    at.labels(feedback({ entities: [{ ...ada, type: "OTHER" }] }));
    expect(tallies(at)).toEqual([[2, [ada], "m-1", 1]]);
  });
});

describe("an event", () => {
  test("counts by its highest revision, also for the label it has, in whatever order revisions come", () => {
    const [draft, final] = [event(), event({ revision: 1, entities: [], model: "m-2" })];
    for (const [order, counted] of [
      [[draft, final], { kept: 1, revised: 1 }],
      [[final, draft], { kept: 1, outdated: 1 }],
    ] as const) {
      const at = watched();
      at.events(order[0]);
      at.labels(feedback());
      at.events(order[1]);
      expect([tallies(at), at.watch.counts.events]).toEqual([[[0, [ada], "m-2", 1]], counted]);
      expect(newestEvents(at.store, 10)).toHaveLength(1);
    }
  });

  test("that is repeated changes nothing", () => {
    const at = watched();
    at.events(event(), event({ entities: [] }));
    expect([newestEvents(at.store, 10).map(({ entities }) => entities.length), at.watch.counts.events]).toEqual([
      [2],
      { kept: 1, repeated: 1 },
    ]);
  });

  test("of an older version, without what drift reads of it, is kept and scored", () => {
    const { expected: _, input: __, ...old } = event();
    const at = watched();
    at.events(old);
    at.labels(feedback({ entities: [{ start: 70, end: 90, type: "PER" }] }));
    expect(at.watch.counts).toEqual({ events: { kept: 1 }, feedback: { joined: 1 } });
  });

  test("of a newer version, with more in it, is read", () => {
    const at = watched();
    at.events({ ...event(), more: 1, input: { ...event().input, more: 2 } });
    expect(at.watch.counts.events).toEqual({ kept: 1 });
  });

  test("that is none is told with its place", () => {
    const at = watched();
    at.events({ ...event(), revision: 7 }, { schema: "starling.dead-letter/1" });
    expect([at.watch.counts.events, at.warnings.map(([message, { where }]) => [message, where])]).toEqual([
      { invalid: 2 },
      [
        ["this is no event", "t/0:0"],
        ["this is no event", "t/0:0"],
      ],
    ]);
  });

  test("that is beyond the limit goes, the oldest first; its label stays", () => {
    const at = watched();
    at.events(event({ key: "k0" }));
    at.labels(feedback({ key: "k0" }));
    at.events(...Array.from({ length: 2500 }, (_, i) => event({ key: `k${i + 1}` })));
    at.labels(feedback({ key: "k1" }), feedback({ key: "k2500" }));
    expect(at.watch.tell().events).toMatchObject({ ever: 2501 });
    expect(at.watch.tell().events.stored).toBeLessThanOrEqual(2000);
    expect(at.watch.counts.feedback).toEqual({ joined: 2, waiting: 1 });
    expect(tallies(at)).toHaveLength(2);
  });
});

test("a restart loses nothing: labels join with events of before, and reading goes on behind them", () => {
  const path = freshPath();
  const before = watched({ store: openStore(path, limits) });
  before.watch.take({
    kind: "event",
    records: [before.record(event())],
    place: { name: "entities/0", next: 17 },
  });
  before.labels(feedback({ key: "later" }));
  before.store.close();
  const after = watched({ store: openStore(path, limits) });
  expect([after.watch.placeOf("entities/0"), after.watch.placeOf("entities/1")]).toEqual([17, undefined]);
  after.labels(feedback());
  after.events(event({ key: "later" }));
  expect(after.watch.counts.feedback).toEqual({ joined: 2 });
  after.store.close();
});
