import assert from "node:assert/strict";
import type { z } from "zod";
import type { Output, Sink, SinkPlugin } from "../plugin.ts";
import { type AnyClause, anyClauses, whileOpen } from "./any.ts";
import { testHost } from "./host.ts";
import { endsSoon, register, type Suite } from "./suite.ts";

export type SinkClause =
  | AnyClause
  | "answers an empty batch with nothing"
  | "has written what it answered ok"
  | "refuses one record and writes the others"
  | "leaves its input as it was"
  | "keeps batches apart that are written at once"
  | "stops within a second of being aborted";

/** A fresh place to write to, and how to read it back: parsed records, in any order. */
export interface Place<I> {
  readonly options: I;
  written(): Promise<readonly unknown[]>;
}

export interface SinkSuite<O extends z.ZodType> extends Suite<SinkClause> {
  readonly plugin: SinkPlugin<O>;
  readonly place: () => Promise<Place<z.input<O>>>;
  /** Two records or more, no two alike. */
  readonly records: readonly Output[];
  /** A record that the sink must refuse; by default one that cannot be written as JSON. */
  readonly refused?: Output;
}

/** The contract of a sink. */
export function testSink<O extends z.ZodType>(suite: SinkSuite<O>): void {
  const { plugin, records, place } = suite;
  const host = testHost(suite.lend);
  // Taken now: another clause may already have let the sink at the records.
  const before = records.map((output) => ({ ...output, record: structuredClone(output.record) }));
  const live = new AbortController().signal;
  const opened = (use: (sink: Sink, written: () => Promise<readonly unknown[]>) => Promise<void>) => async () => {
    const { options, written } = await place();
    await whileOpen(plugin, options, host, (sink) => use(sink, written));
  };
  const expectWritten = async (written: () => Promise<readonly unknown[]>, expected: readonly Output[]) =>
    assert.deepEqual(canonical(await written()), canonical(expected.map(({ record }) => record)));

  register(plugin.name, suite, {
    ...anyClauses(plugin, async () => (await place()).options, host),
    "answers an empty batch with nothing": opened(async (sink) => {
      assert.deepEqual(await sink.write([], live), []);
    }),
    "has written what it answered ok": opened(async (sink, written) => {
      assert.deepEqual(
        kinds(await sink.write(records, live)),
        records.map(() => "ok"),
      );
      await expectWritten(written, records);
    }),
    "refuses one record and writes the others": opened(async (sink, written) => {
      const outcomes = await sink.write([...records, suite.refused ?? unwritable(records), ...records], live);
      const fine = records.map(() => "ok");
      assert.deepEqual(kinds(outcomes), [...fine, "fail", ...fine]);
      await expectWritten(written, [...records, ...records]);
    }),
    "leaves its input as it was": opened(async (sink) => {
      const given = before.map((output) => ({ ...output, record: structuredClone(output.record) }));
      await sink.write(given, live);
      assert.deepEqual(given, before);
    }),
    "keeps batches apart that are written at once": opened(async (sink, written) => {
      const outcomes = await Promise.all(records.map((record) => sink.write([record], live)));
      assert.deepEqual(
        outcomes.flatMap(kinds),
        records.map(() => "ok"),
      );
      await expectWritten(written, records);
    }),
    "stops within a second of being aborted": opened(async (sink) => {
      const stop = new AbortController();
      const writing = sink.write(records, stop.signal);
      stop.abort();
      await endsSoon(writing, "write()");
      await endsSoon(sink.write(records, AbortSignal.abort()), "write() with a signal aborted before");
    }),
  });
}

const kinds = (outcomes: readonly { readonly kind: string }[]) => outcomes.map(({ kind }) => kind);
const canonical = (records: readonly unknown[]) => records.map((record) => JSON.stringify(record)).sort();

function unwritable(records: readonly Output[]): Output {
  const [first] = records;
  assert.ok(first, "give two records or more");
  const toJSON = () => assert.fail("this record cannot be written");
  return { ...first, record: Object.assign({ ...first.record }, { toJSON }) };
}
