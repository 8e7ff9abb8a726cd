import { type DeadLetter, type Entity, type EntityEvent, type Output, printable, printableLines } from "starling-ner";

export type Paint = (text: string, ...codes: number[]) => string;

const colours = [32, 36, 35, 33, 34, 31] as const;

export const paint: Paint = (text, ...codes) => `\x1b[${codes.join(";")}m${text}\x1b[0m`;
export const plain: Paint = (text) => text;

/**
 * A record for people: the text with its entities marked in place; of a last event also each entity with its type and
 * confidence, and what was learnt on the way. Posts come from strangers: what a terminal would obey in them is written out.
 */
export function pretty({ record, post }: Output, by: Paint): string {
  if (record.schema === "starling.dead-letter/1") return prettyLoss(record, by);
  const text = post === undefined ? "" : marked(post.text, record.entities, by);
  const notes = record.final ? learnt(record) : [];
  return [
    `${by(printable(record.postId), 2)}${record.final ? "" : by("  draft", 2)}`,
    `  ${text.replaceAll("\n", "\n  ")}`,
    ...(record.final ? record.entities.map((entity) => `    ${line(entity, by)}`) : []),
    ...notes.map((note) => by(`    ${printable(note)}`, 2)),
    "",
    "",
  ].join("\n");
}

function prettyLoss({ postId, stage, code, reason, origin }: DeadLetter, by: Paint): string {
  const who = printable(postId ?? `${origin.lane}:${origin.offset}`);
  return `${by(who, 2)} ${by(code, 31)} at ${stage}\n  ${printable(reason)}\n\n`;
}

const line = ({ type, confidence, text }: Entity, by: Paint) =>
  `${by(type.padEnd(5), 1, colourOf(type))} ${confidence.toFixed(2)}  ${printable(text)}`;

/** The text with its entities in their colours; where two overlap the first is shown. */
function marked(text: string, entities: readonly Entity[], by: Paint): string {
  let at = 0;
  let out = "";
  for (const { start, end, type } of entities) {
    if (start < at) continue;
    const colour = colourOf(type);
    out +=
      printableLines(text.slice(at, start)) +
      by(printableLines(text.slice(start, end)), 1, 4, colour) +
      by(` ${type}`, 2, colour);
    at = end;
  }
  return out + printableLines(text.slice(at));
}

/** The same type has the same colour in every run. */
const known = ["PER", "LOC", "ORG", "MISC", "OTHER"];
function colourOf(type: string): number {
  const index = known.indexOf(type);
  const sum = [...type].reduce((total, unit) => total + unit.codePointAt(0)!, 0);
  return colours[(index === -1 ? sum : index) % colours.length]!;
}

/** What was learnt on the way to a last event, a line for each kind of it. */
function learnt({ captions, ask, knowledge, degraded }: EntityEvent): string[] {
  const examples = knowledge?.neighbours ?? [];
  return [
    ...captions.map(({ image, text }) => `image ${image + 1}: ${text}`),
    ...(examples.length > 0 ? [`examples: ${examples.join(", ")}`] : []),
    ...(ask ? [gateNote(ask)] : []),
    ...(knowledge ? [knowledgeNote(knowledge)] : []),
    ...(degraded.length > 0 ? [degraded.map(({ stage, reason }) => `${stage}: ${reason}`).join(", ")] : []),
  ];
}

const gateNote = ({ yes, gain, reason }: NonNullable<EntityEvent["ask"]>): string =>
  `gate: ${yes ? "asked" : "not asked"} (${reason}, ${gain < 0 ? "" : "+"}${gain.toFixed(1)} F1 points expected)`;

function knowledgeNote({ names, source, usd }: NonNullable<EntityEvent["knowledge"]>): string {
  const told = names.map(({ text, type, inPost }) => `${text} (${inPost ? type : `${type}, not in the post`})`);
  return `knowledge: ${told.join(", ") || "no names"}; ${source}${usd > 0 ? `, ${usd.toFixed(4)} USD` : ""}`;
}
