// Draws docs/terminal.svg from a real run: what `starling run` shows on a terminal for the first sample posts.
//   node scripts/draw-terminal.mjs [POSTS]
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const posts = Number(process.argv[2] ?? 8);
const colours = { 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd" };
const size = { line: 20, glyph: 8.4, margin: 16, columns: 110 };

/** `script` lends the command a terminal, so that it shows what a person sees. */
function shown() {
  const input = join(tmpdir(), "starling-terminal.ndjson");
  const lines = readFileSync(join(root, "examples/posts.ndjson"), "utf8").split("\n").slice(0, posts);
  writeFileSync(input, `${lines.join("\n").replaceAll(/,"images":\[.*?\]/g, "")}\n`);
  const command = `${process.execPath} --conditions=source src/cli.ts run --input ${input}`;
  const { stdout, status } = spawnSync("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: root,
    encoding: "utf8",
  });
  rmSync(input);
  if (status !== 0) throw new Error(`starling run failed: ${stdout}`);
  return `$ npm start\n\n${stdout.replaceAll("\r", "").trimEnd()}`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** One line with its escape codes, as spans; a code holds until the next reset. */
function spans(line) {
  let style = {};
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes begin with one.
  const parts = line.split(/\x1b\[([\d;]*)m/);
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return part === "" ? "" : `<tspan${attributes(style)}>${escaped(part)}</tspan>`;
      for (const code of part.split(";")) style = code === "0" || code === "" ? {} : { ...style, [code]: true };
      return "";
    })
    .join("");
}

function attributes(style) {
  const colour = Object.keys(style).find((code) => code in colours);
  return [
    colour && ` fill="${colours[colour]}"`,
    style[1] && ' font-weight="bold"',
    style[2] && ' opacity="0.65"',
    style[4] && ' text-decoration="underline"',
  ]
    .filter(Boolean)
    .join("");
}

const lines = shown().split("\n");
const width = Math.round(size.columns * size.glyph + 2 * size.margin);
const height = lines.length * size.line + 2 * size.margin;
const text = lines.map(
  (line, i) => `<text x="${size.margin}" y="${size.margin + 14 + i * size.line}">${spans(line)}</text>`,
);
writeFileSync(
  join(root, "docs/terminal.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" xml:space="preserve">
<title>Posts on a terminal, their entities coloured by type, each with its confidence</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
${text.join("\n")}
</g>
</svg>
`,
);
