import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { escapeHtml } from "../escape-html.ts";
import { shortName } from "../metrics/labels.ts";
import { script, style } from "./page-parts.ts";
import type { DriftScore } from "./scores.ts";
import type { Told } from "./tell.ts";

/** F1 this far below the reference is told as lost. */
export const LOST = 0.05;

/** One HTML page that needs nothing else: data, plots and styles are inside; it may be mailed or kept. */
export async function reportPage(told: Told): Promise<string> {
  const asset = (name: string) => readFile(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), "utf8");
  const [plots, plotStyle] = [await asset("uPlot.iife.min.js"), await asset("uPlot.min.css")];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>Drift of ${escapeHtml(told.model)}</title>
<style>${plotStyle}${style}</style>
</head>
<body>
<h1>Drift of ${escapeHtml(told.model)}</h1>
<p>${new Date(told.at).toISOString().slice(0, 16).replace("T", " ")} UTC; ${kept(told)}.</p>
${list("alarms", alarms(told))}
${list("notes", told.notes)}
<h2>F1</h2>
<div class="plot" id="f1"></div>
${evaluationTable(told)}
<h2>Population</h2>
<p>Divergence of the newest posts from the model's reference, as a multiple of the threshold: above 1 it is drift, and more than 4 is drawn at 4.</p>
<div class="plot" id="drift"></div>
${told.drift.map(bars).join("\n")}
<h2>Types</h2>
<div class="plot" id="types"></div>
<h2>Disagreement</h2>
<p>Share in which the draft, or the LLM's own list, differs from the final entities.</p>
<div class="plot" id="disagreement"></div>
<h2>Input</h2>
${countTable(told)}
<script type="application/json" id="told">${inScript(told)}</script>
<script>${plots}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** What the store holds; a worker has none. */
const kept = ({ events: { ever, stored }, waiting, counts }: Told): string =>
  [
    `${ever} posts read`,
    ...(stored > 0 ? [`${stored} of them kept`] : []),
    ...(counts.feedback === undefined ? [] : [`${waiting} labels wait for their event`]),
  ].join(", ");

const inScript = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const points = (share: number): string => (100 * share).toFixed(2);

const list = (name: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `<ul class="${name}">${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;

/** What somebody should look at. */
export function alarms({ drift, evaluations, reference }: Told): string[] {
  const drifted = drift.filter(({ score, threshold }) => score > threshold);
  const lost = evaluations.filter(
    ({ type, interval }) => interval !== undefined && interval.high < (reference.f1[type] ?? 0) - LOST,
  );
  return [
    ...drifted.map(
      ({ feature, score, threshold }) => `${feature}: ${score.toFixed(4)}, more than ${threshold.toFixed(4)}`,
    ),
    ...lost.map(
      ({ type, window, interval, model }) =>
        `F1 of ${shortName(type)} (${window}, ${shortName(model)}) is at most ${points(interval!.high)}, and was ${points(reference.f1[type]!)}`,
    ),
  ];
}

function evaluationTable({ evaluations, reference }: Told): string {
  if (evaluations.length === 0) return "<p>Nothing to tell yet.</p>";
  const rows = evaluations.map(({ source, window, model, type, posts, enough, interval, ...one }) => {
    const figures = enough ? [points(one.precision), points(one.recall), points(one.f1)] : ["", "", "too few"];
    const was = reference.f1[type];
    return [
      ...[source, window, model, type, String(posts), one.support.toFixed(0), ...figures],
      interval === undefined ? "" : `${points(interval.low)} to ${points(interval.high)}`,
      was === undefined ? "" : points(was),
    ];
  });
  const head = ["source", "window", "model", "type", "posts", "entities", "precision", "recall", "F1", "95%", "was"];
  return table(head, rows);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
};

/** Reference and newest posts side by side, bucket by bucket. */
function bars({ feature, score, threshold, buckets, reference, live }: DriftScore): string {
  const rows = buckets.flatMap((bucket, i) => {
    const [was, is] = [reference[i] ?? 0, live[i] ?? 0];
    return was + is < 0.0005 ? [] : [`<tr><th>${escapeHtml(bucket)}</th>${bar(was, "was")}${bar(is, "is")}</tr>`];
  });
  const mark = score > threshold ? " drifted" : "";
  return `<details class="feature${mark}"${mark ? " open" : ""}><summary>${escapeHtml(feature)}: ${score.toFixed(4)} of ${threshold.toFixed(4)}</summary>
<table><tr><th></th><th>reference</th><th>newest posts</th></tr>${rows.join("")}</table></details>`;
}

const bar = (share: number, name: string): string =>
  `<td><div class="bar ${name}" style="width:${(12 * share).toFixed(2)}em"></div>${percent(share)}</td>`;

/** A label that came before its event is counted again by what became of it then. */
export const became = (result: string): string => (result === "waiting" ? "came before their event" : result);

function countTable({ counts, waiting, labels }: Told): string {
  const rows = (["events", "feedback"] as const).flatMap((kind) =>
    Object.entries(counts[kind] ?? {}).map(([result, count]) => [kind, became(result), String(count)]),
  );
  const windows = labels.map(({ window, model, labels: count, delaySeconds, calibrationError }) => [
    ...[window, model, String(count)],
    delaySeconds === null ? "" : `${(delaySeconds / 3600).toFixed(1)} h`,
    calibrationError === null ? "" : calibrationError.toFixed(3),
  ]);
  return `${table(["read", "became", "count"], [...rows, ["feedback", "wait now", String(waiting)]])}
${windows.length === 0 ? "" : table(["window", "model", "labels", "median delay", "calibration error"], windows)}`;
}
