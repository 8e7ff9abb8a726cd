/**
 * SentencePiece's precompiled normalisation, read exactly: the tokenizer library stands in NFKC for it, which differs
 * for zero-width joiners, full-width forms and others.
 * The map is a u32 with the size of a double-array trie, the trie's u32 units, and the replacements as UTF-8
 * strings that end in 0. https://github.com/google/sentencepiece/blob/master/src/normalizer.cc
 */
export function readCharsmap(base64: string): (text: string) => string {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const view = new DataView(bytes.buffer);
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes + 4 > bytes.length)
    throw new RangeError("its precompiled_charsmap is cut short");
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const replacements = bytes.subarray(4 + trieBytes);
  const replace = (chunk: string): string | undefined => {
    const at = shortestPrefix(units, utf8.encode(chunk));
    return at === undefined ? undefined : utf8Text.decode(replacements.subarray(at, replacements.indexOf(0, at)));
  };
  return (text) => (plain.test(text) ? text : normalise(text, replace));
}

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder();
const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
const plain = /^[ -~]*$/;
/** Longer graphemes (in bytes) are looked up character by character, as Rust's implementation does. */
const MAX_GRAPHEME_BYTES = 5;

function normalise(text: string, replace: (chunk: string) => string | undefined): string {
  let out = "";
  for (const { segment } of graphemes.segment(text)) {
    const whole = utf8.encode(segment).length <= MAX_GRAPHEME_BYTES ? replace(segment) : undefined;
    if (whole !== undefined) out += whole;
    else for (const character of segment) out += replace(character) ?? character;
  }
  return out;
}

/** Value of the shortest key that `chunk` begins with. */
function shortestPrefix(units: Uint32Array, chunk: Uint8Array): number | undefined {
  let node = offsetOf(units[0]!);
  for (const byte of chunk) {
    node ^= byte;
    const unit = units[node];
    if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
    node ^= offsetOf(unit);
    if (((unit >>> 8) & 1) === 1) return units[node]! & 0x7fffffff;
  }
  return undefined;
}

const offsetOf = (unit: number): number => ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
