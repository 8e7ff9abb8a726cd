/**
 * What a terminal does not show but obeys: control characters (all but the tab), line separators, and the marks that turn
 * the direction of text. Joiners and variation selectors stay: emoji are made of them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant.
const obeyed = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** Text of strangers for one line of a terminal: what could repaint or reorder it is written as `\u202e`, in JSON's way. */
export const printable = (text: string): string =>
  text.replace(obeyed, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The same for text of several lines, which stay lines. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");
