/** What the report's page holds besides its text: styles, and the script that draws its plots with uPlot. */
export const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; font-size: .9em; margin: .8em 0; }
th, td { text-align: left; padding: .15em .8em .15em 0; vertical-align: top; } th { font-weight: 600; }
.alarms { background: #fdecea; border-left: 4px solid #c0392b; padding: .6em 1em .6em 2em; }
.notes { background: #fff8e1; border-left: 4px solid #e0a800; padding: .6em 1em .6em 2em; }
.bar { display: inline-block; height: .8em; margin-right: .4em; } .was { background: #9aa5b1; } .is { background: #2b6cb0; }
.feature.drifted summary { color: #c0392b; font-weight: 600; } summary { cursor: pointer; }
.plot { margin: .5em 0; } .plot p { color: #666; }
`;

export const script = `
"use strict";
const told = JSON.parse(document.getElementById("told").textContent);
const colours = ["#2b6cb0", "#c0392b", "#2f855a", "#b7791f", "#6b46c1", "#0987a0", "#97266d", "#4a5568", "#dd6b20", "#38a169"];
const points = told.history;
const posts = points.map((point) => point.posts);
const column = (pick) => points.map((point) => { const value = pick(point); return value === undefined ? null : value; });
function plot(id, columns, series, options) {
  const place = document.getElementById(id);
  const some = columns.some((values) => values.some((value) => value !== null));
  if (!some) { place.innerHTML = "<p>Too few posts to plot.</p>"; return; }
  const width = Math.min(960, place.clientWidth || 960);
  const axes = [{ label: "posts" }, { size: 60 }];
  const all = [{ label: "posts" }, ...series];
  new uPlot({ width, height: 300, scales: { x: { time: false }, ...(options && options.scales) }, axes, series: all, bands: (options && options.bands) || [] }, [posts, ...columns], place);
}
const line = (label, i, more) => ({ label, stroke: colours[i % colours.length], width: 2, points: { show: points.length < 3 }, value: (_, value) => value === null || value === undefined ? "" : value.toFixed(4), ...more });
const reference = told.reference.f1.all;
plot("f1",
  [column((p) => p.estimated), column((p) => p.labelled && p.labelled.f1), column((p) => p.labelled && p.labelled.high), column((p) => p.labelled && p.labelled.low), ...(reference === undefined ? [] : [points.map(() => reference)])],
  [line("estimated", 0), line("labelled", 1), line("upper bound", 1, { width: 0.5 }), line("lower bound", 1, { width: 0.5 }), ...(reference === undefined ? [] : [line("reference", 7, { dash: [6, 4], width: 1 })])],
  { bands: [{ series: [3, 4], fill: "rgba(192,57,43,.12)" }] });
const features = [...new Set(points.flatMap((point) => Object.keys(point.drift)))];
plot("drift",
  [...features.map((feature) => column((p) => p.drift[feature] && Math.min(4, p.drift[feature][0] / p.drift[feature][1]))), ...(features.length === 0 ? [] : [points.map(() => 1)])],
  [...features.map((feature, i) => line(feature, i)), ...(features.length === 0 ? [] : [{ label: "threshold", stroke: "#000", dash: [6, 4], width: 1 }])]);
const types = [...new Set(points.flatMap((point) => Object.keys(point.types)))].slice(0, 32);
plot("types", types.map((type) => column((p) => p.types[type] || 0)), types.map((type, i) => line(type, i)), { scales: { y: { range: (_, low, high) => [0, high * 1.1 || 1] } } });
const pairs = [...new Set(points.flatMap((point) => Object.keys(point.disagreement)))];
plot("disagreement", pairs.map((pair) => column((p) => p.disagreement[pair])), pairs.map((pair, i) => line(pair.replace("_", " and "), i)));
document.body.dataset.drawn = "yes";
`;
