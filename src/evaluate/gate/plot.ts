import { escapeHtml } from "../../escape-html.ts";
import type { GateReport } from "./report.ts";

const [width, height] = [640, 400];
const [left, right, top, bottom] = [64, 24, 48, 56];

/** F1 against the share of the posts asked about, as SVG; what asking at random would bring is dashed. */
export function plotGate(gate: GateReport, title: string): string {
  const f1s = [...gate.shares.map(({ f1 }) => f1), gate.draft, gate.final];
  const ticks = ticksOf(Math.min(...f1s), Math.max(...f1s));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const x = (share: number) => left + ((width - left - right) * share) / 100;
  const y = (f1: number) => top + ((height - top - bottom) * (high - f1)) / (high - low);
  const line = gate.shares.map(({ asked, f1 }) => `${x(asked).toFixed(1)},${y(f1).toFixed(1)}`).join(" ");
  const text = (at: string, words: string, anchor = "middle") => `<text ${at} text-anchor="${anchor}">${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" role="img">`,
    `<title>${escapeHtml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(`x="${width / 2}" y="24" font-size="15"`, escapeHtml(title)),
    ...ticks.map((f1) => {
      const at = y(f1).toFixed(1);
      return `<path d="M${left} ${at}H${width - right}" stroke="#ddd"/>${text(`x="${left - 8}" y="${Number(at) + 4}"`, f1.toFixed(1), "end")}`;
    }),
    ...[0, 25, 50, 75, 100].map((share) => text(`x="${x(share)}" y="${height - bottom + 20}"`, `${share}%`)),
    text(`x="${(left + width - right) / 2}" y="${height - 14}"`, "posts asked about"),
    text(`x="18" y="${height / 2}" transform="rotate(-90 18 ${height / 2})"`, "F1"),
    `<path d="M${x(0)} ${y(gate.draft).toFixed(1)}L${x(100)} ${y(gate.final).toFixed(1)}" stroke="#999" stroke-dasharray="5 4"/>`,
    `<polyline points="${line}" fill="none" stroke="#0b6" stroke-width="2.5"/>`,
    "</svg>",
    "",
  ].join("\n");
}

/** The same as a page of its own. */
export const plotPage = (svg: string, title: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title><body style="max-width:60rem;margin:auto">\n${svg}</body></html>\n`;

/** Four to eight even steps of 1, 2 or 5 times a power of ten, around both ends. */
function ticksOf(low: number, high: number): number[] {
  const rough = Math.max(high - low, 0.1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough)!;
  const first = Math.floor(low / step);
  const count = Math.max(1, Math.ceil(high / step) - first);
  return Array.from({ length: count + 1 }, (_, i) => (first + i) * step);
}
