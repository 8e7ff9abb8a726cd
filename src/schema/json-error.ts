const space = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON allows none of them inside a string.
const plain = /[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** Thrown inside, with the offset at which the text stops being JSON. */
class Stop {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
}

/**
 * Where a text stops being JSON, in UTF-16 units from 0, or null where it is JSON. Not every message of `JSON.parse`
 * says. Slow, and meant for text that is known to be broken.
 */
export function jsonErrorAt(text: string): number | null {
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const expect = (unit: string) => {
    if (text[at] !== unit) throw new Stop(at);
    at++;
  };
  const string = () => {
    expect('"');
    while (skip(plain));
    expect('"');
  };
  /** Closers of what is open around the value; a stack of our own, because nesting may be deep. */
  const value = (open: string[]) => {
    skip(space);
    const unit = text[at];
    if (unit === '"') return string();
    if (unit !== "{" && unit !== "[") {
      if (!skip(scalar)) throw new Stop(at);
      return;
    }
    at++;
    open.push(unit === "{" ? "}" : "]");
  };
  const name = () => {
    skip(space);
    string();
    skip(space);
    expect(":");
  };

  try {
    const open: string[] = [];
    let fresh = true; // just after an opening bracket, or at the start
    value(open);
    fresh = open.length > 0;
    while (open.length > 0) {
      const closer = open.at(-1)!;
      skip(space);
      if (text[at] === closer) {
        at++;
        open.pop();
        fresh = false;
        continue;
      }
      if (!fresh) expect(",");
      if (closer === "}") name();
      const depth = open.length;
      value(open);
      fresh = open.length > depth;
    }
    skip(space);
    return at === text.length ? null : at;
  } catch (stop) {
    if (stop instanceof Stop) return stop.at;
    throw stop;
  }
}
