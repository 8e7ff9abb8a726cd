import assert from "node:assert/strict";
import type { z } from "zod";
import type { Delivery, Source, SourcePlugin } from "../plugin.ts";
import { type AnyClause, anyClauses, type Fresh, fresh, whileOpen } from "./any.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type SourceClause =
  | AnyClause
  | "yields every record, and names where each stood"
  | "gives the original bytes back"
  | "yields what it cannot read as a failure, and goes on"
  | "takes settling in any order"
  | "ends when its input ends"
  | "yields nothing after an abort, and ends within a second"
  | "names the same record the same way each time";

/** A record that the source holds; `id` is null where the bytes cannot be read as a post. */
export interface Held {
  readonly id: string | null;
  readonly bytes: Uint8Array;
}

export interface SourceSuite<O extends z.ZodType> extends Suite<SourceClause> {
  readonly plugin: SourcePlugin<O>;
  readonly options: Fresh<z.input<O>>;
  /** All that can be read through these options, in order. Two records or more, one of them bad. */
  readonly holds: readonly Held[];
}

/** The contract of a source. */
export function testSource<O extends z.ZodType>(suite: SourceSuite<O>): void {
  const { plugin, holds } = suite;
  const host = testHost(suite.lend);
  const opened = (use: (source: Source) => Promise<void>) => async () =>
    whileOpen(plugin, await fresh(suite.options), host, use);
  const deliveries = async (source: Source) => collect(source, holds.length);

  register(plugin.name, suite, {
    ...anyClauses(plugin, suite.options, host),
    "yields every record, and names where each stood": opened(async (source) => {
      const found = await deliveries(source);
      assert.deepEqual(
        found.map(idOf),
        holds.map((held) => held.id),
      );
      assert.equal(new Set(found.map(place)).size, holds.length, "no two records share lane and offset");
    }),
    "gives the original bytes back": opened(async (source) => {
      const found = await deliveries(source);
      assert.deepEqual(
        found.map(({ origin }) => text(origin.bytes())),
        holds.map(({ bytes }) => text(bytes)),
      );
    }),
    "yields what it cannot read as a failure, and goes on": opened(async (source) => {
      const last = holds.findLastIndex((held) => held.id !== null);
      assert.ok(
        holds.slice(0, last).some((held) => held.id === null),
        "hold a record that cannot be read before a good one",
      );
      for (const [i, { post }] of (await deliveries(source)).entries())
        assert.equal(post.kind, holds[i]?.id === null ? "fail" : "ok", `record ${i}`);
    }),
    "takes settling in any order": opened(async (source) => {
      for (const delivery of (await collect(source, holds.length, false)).toReversed()) delivery.settle();
    }),
    "ends when its input ends": opened(async (source) => {
      let seen = 0;
      for await (const chunk of source.read(new AbortController().signal)) {
        seen += chunk.length;
        for (const delivery of chunk) delivery.settle();
      }
      assert.equal(seen, holds.length);
    }),
    "yields nothing after an abort, and ends within a second": async () => {
      for (const chunks of [0, 1])
        await opened(async (source) => {
          const late = recordsAfterAbort(source, chunks);
          await endsSoon(late, `read(), aborted after ${chunks} chunks`);
          assert.equal(await late, 0, `records came after the abort that followed ${chunks} chunks`);
        })();
    },
    "names the same record the same way each time": async () => {
      const seen: string[][] = [];
      const note = opened(async (source) => void seen.push((await deliveries(source)).map(place)));
      await note();
      await note();
      assert.deepEqual(seen[0], seen[1], "event keys are made of lane and offset");
    },
  });
}

const idOf = ({ post }: Delivery) => (post.kind === "ok" ? post.value.id : null);
const place = ({ origin }: Delivery) => `${origin.lane} ${origin.offset}`;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** Reads until `count` records have come, then aborts: sources without an end are read the same way. */
async function collect(source: Source, count: number, settle = true): Promise<Delivery[]> {
  const stop = new AbortController();
  const found: Delivery[] = [];
  for await (const chunk of source.read(stop.signal)) {
    found.push(...chunk);
    if (settle) for (const delivery of chunk) delivery.settle();
    if (found.length >= count) stop.abort();
  }
  return found;
}

/** Aborts after `chunks` chunks; answers how many records came after that. */
async function recordsAfterAbort(source: Source, chunks: number): Promise<number> {
  const stop = new AbortController();
  if (chunks === 0) stop.abort();
  let read = 0;
  let late = 0;
  for await (const chunk of source.read(stop.signal)) {
    if (stop.signal.aborted) late += chunk.length;
    if (++read >= chunks) stop.abort();
  }
  return late;
}
