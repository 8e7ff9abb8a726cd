import { shortName } from "../metrics/labels.ts";
import { printable } from "../printable.ts";
import { alarms, became } from "./page.ts";
import type { Told } from "./tell.ts";

const points = (share: number): string => (100 * share).toFixed(2);

/** What a terminal shows: F1, drift, what is missing. */
export const tellLines = (told: Told): string[] => linesOf(told).map(printable);

function linesOf(told: Told): string[] {
  const { evaluations, drift, disagreement, counts, waiting, notes } = told;
  return [
    readOf(told),
    ...evaluations.map(
      ({ source, window, type, model, f1, interval, support, enough }) =>
        `F1 ${source}, ${window}, ${shortName(type)}, ${shortName(model)}: ${enough ? points(f1) : "too few entities"}${
          interval === undefined ? "" : ` (${points(interval.low)} to ${points(interval.high)})`
        }, ${support.toFixed(0)} entities`,
    ),
    ...drift.map(
      ({ feature, score, threshold }) => `drift of ${feature}: ${score.toFixed(4)} of ${threshold.toFixed(4)}`,
    ),
    ...disagreement.map(({ pair, score, posts }) => `${pair} differ: ${points(score)}% over ${posts} posts`),
    `events: ${countsOf(counts.events)}`,
    counts.feedback === undefined
      ? "labels: the config names none"
      : `labels: ${countsOf(counts.feedback)}; ${waiting} wait now`,
    ...notes.map((note) => `note: ${note}`),
    ...alarms(told).map((alarm) => `ALARM ${alarm}`),
  ];
}

function readOf({ events, model, reference, counts }: Told): string {
  if (events.ever === 0) return (counts.events.invalid ?? 0) > 0 ? "no event could be read" : "there were no events";
  return `${events.ever} posts of ${shortName(model)}${[null, model].includes(reference.version) ? "" : " (another than the reference)"}`;
}

const countsOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([result, count]) => `${count} ${became(result)}`)
    .join(", ") || "none";
