/** Panels and dashboards of Grafana, as few of their many settings as they need. */

export type Unit = "s" | "short" | "percentunit" | "reqps" | "currencyUSD" | "bytes" | "none";
/** A query, and the legend of its series. */
export type Query = readonly [expr: string, legend: string];

export interface Panel {
  readonly title: string;
  /** What it says, in a sentence. */
  readonly about: string;
  readonly unit: Unit;
  /** `lines` by default; `number` shows the last value. */
  readonly kind?: "lines" | "number";
  /** Stacked lines. */
  readonly stacked?: boolean;
  readonly queries: readonly Query[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const WIDTH = 24;
const SIZE = { lines: { w: 12, h: 8 }, number: { w: 6, h: 4 } } as const;
const datasource = { type: "prometheus", uid: "$datasource" };

/** The JSON of a dashboard as Grafana 10 and later read it from a file. */
export function toGrafana({ uid, title, panels }: Dashboard): object {
  const places = placesOf(panels);
  return {
    uid,
    title,
    tags: ["starling"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: {
      list: [{ name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus", current: {} }],
    },
    panels: panels.map((panel, index) => ({ id: index + 1, gridPos: places[index], ...panelOf(panel) })),
  };
}

function panelOf({ title, about, unit, kind = "lines", stacked = false, queries }: Panel): object {
  const custom = { fillOpacity: stacked ? 20 : 0, stacking: { mode: stacked ? "normal" : "none" } };
  return {
    type: kind === "lines" ? "timeseries" : "stat",
    title,
    description: about,
    datasource,
    fieldConfig: { defaults: { unit, min: 0, ...(kind === "lines" && { custom }) }, overrides: [] },
    options:
      kind === "lines" ? { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } } : {},
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

/** Row after row, from the left. */
function placesOf(panels: readonly Panel[]): object[] {
  let [x, y, height] = [0, 0, 0];
  return panels.map(({ kind = "lines" }) => {
    const { w, h } = SIZE[kind];
    if (x + w > WIDTH) [x, y, height] = [0, y + height, 0];
    const place = { x, y, w, h };
    x += w;
    height = Math.max(height, h);
    return place;
  });
}

/** The quantile of a histogram, by the labels of `by`; `only` is a selector in braces. */
export const quantile = (q: number, metric: string, by = "", only = ""): string =>
  `histogram_quantile(${q}, sum by (${by === "" ? "le" : `le, ${by}`}) (rate(${metric}_bucket${only}[$__rate_interval])))`;

export const rate = (metric: string, by = "", only = ""): string =>
  `sum by (${by}) (rate(${metric}${only}[$__rate_interval]))`;
