import { prf, type Tally } from "../score/index.ts";
import type { Evaluation } from "./evaluate.ts";
import { gateReport, showGate } from "./gate/index.ts";

/** Percent with four decimals. */
const percent = (share: number): number => Math.round(share * 1e6) / 1e4;

const row = (tally: Tally) => {
  const { precision, recall, f1 } = prf(tally);
  return { f1: percent(f1), precision: percent(precision), recall: percent(recall), support: tally.gold };
};

const recallOf = ({ correct, gold }: { correct: number; gold: number }) => ({
  recall: gold > 0 ? percent(correct / gold) : null,
  support: gold,
});

/** The report as plain data; scores are 0 to 100, rates 0 to 1. */
export function report({
  data,
  model,
  precision: of,
  reads,
  score,
  strict,
  seen,
  drafts,
  gate,
  failed,
  degraded,
}: Evaluation) {
  const { f1, precision, recall, support } = row(score.micro);
  const { entityFree, interval } = score;
  return {
    command: "evaluate",
    model,
    ...(of && { modelPrecision: of }),
    data: data.file,
    fingerprint: data.fingerprint,
    posts: score.posts,
    entities: support,
    strays: data.strays,
    /** How the gold's stray `I-` tags count in `f1`; `f1Strict` leaves them out. */
    strayTags: "open a mention",
    f1,
    precision,
    recall,
    f1Strict: row(strict).f1,
    interval: { low: percent(interval.low), high: percent(interval.high), level: 0.95 },
    types: Object.fromEntries([...score.types].map(([type, tally]) => [type, row(tally)])),
    entityFree: { ...entityFree, rate: entityFree.posts > 0 ? entityFree.flagged / entityFree.posts : null },
    ...(seen && { seen: recallOf(seen.seen), unseen: recallOf(seen.unseen) }),
    reads,
    ...(drafts && { draft: { ...row(drafts.micro), of: drafts.of } }),
    ...(gate && { gate: gateReport(gate) }),
    without: data.without,
    failed,
    degraded,
  };
}

export type Report = ReturnType<typeof report>;

/** The report for people: a table and a few sentences. */
export function show(it: Report): string {
  const types = Object.entries(it.types).map(([type, scores]) => ({ name: type, ...scores }));
  const rows = [{ name: "all", f1: it.f1, precision: it.precision, recall: it.recall, support: it.entities }, ...types];
  const width = Math.max(...rows.map(({ name }) => name.length), 8);
  const cell = (value: number) => value.toFixed(2).padStart(10);
  const lines = rows.map(
    (r) => `${r.name.padEnd(width)}${cell(r.precision)}${cell(r.recall)}${cell(r.f1)}${String(r.support).padStart(10)}`,
  );
  const head = `${"".padEnd(width)}${[" precision", "recall", "F1", "entities"].map((h) => h.padStart(10)).join("")}`;
  return [
    `${it.data}: ${it.posts} posts, model ${it.model}`,
    `fingerprint ${it.fingerprint}`,
    "",
    head,
    ...lines,
    "",
    ...sentences(it),
    ...(it.gate ? ["", showGate(it.gate)] : []),
  ].join("\n");
}

function sentences(it: Report): string[] {
  const { low, high } = it.interval;
  const { posts, flagged } = it.entityFree;
  const { knowledge, captions } = it.without;
  return [
    `F1 lies between ${low.toFixed(2)} and ${high.toFixed(2)} in 95% of the sets drawn again from these posts.`,
    it.strays > 0
      ? `${it.strays} stray I- tags in the data open a mention, as by default in seqeval; left out (strict), F1 is ${it.f1Strict.toFixed(2)}.`
      : "The data has no stray I- tags: strict and lenient F1 are the same.",
    ...("seen" in it && it.seen && it.unseen
      ? [`Recall of entities seen in training ${shown(it.seen)}, of unseen ones ${shown(it.unseen)}.`]
      : []),
    ...("draft" in it && it.draft ? [drafted(it.draft)] : []),
    `${flagged} of ${posts} posts without entities were given one.`,
    ...(knowledge > 0 ? [`${knowledge} posts have no knowledge in the file given.`] : []),
    ...(captions > 0 ? [`${captions} posts have no caption in the file given.`] : []),
    ...(it.degraded > 0 ? [`In ${it.degraded} posts a stage could not do its part.`] : []),
    ...(it.failed > 0 ? [`${it.failed} posts failed and count as posts without a prediction.`] : []),
  ];
}

const drafted = ({ f1, of }: NonNullable<Report["draft"]>): string =>
  `Before anything was asked F1 was ${f1.toFixed(2)} (drafts of ${Object.entries(of)
    .map(([context, posts]) => `${context}: ${posts}`)
    .join(", ")}).`;

const shown = ({ recall, support }: { recall: number | null; support: number }): string =>
  recall === null ? `- (${support})` : `${recall.toFixed(2)} (${support})`;
