import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitWords, wordsOf } from "./index.ts";

const split = (text: string): string =>
  splitWords(text)
    .map((word) => word.text)
    .join(" ");

describe("words", () => {
  test.each([
    ["hashtags and mentions part from their sign", "#NBA @Kobe_24 RT@x", "# NBA @ Kobe_24 RT @ x"],
    ["a possessive after a mention", "@NBA's best", "@ NBA ' s best"],
    ["contractions as the tweets of the data sets", "don't, we’re O'Hare", "don ' t , we ’ re O ' Hare"],
    ["each mark of a run stands alone", "wow!!! ...", "wow ! ! ! . . ."],
    ["hyphenated words stay whole, dashes stand alone", "Kim Jong-un - yes -", "Kim Jong-un - yes -"],
    ["numbers keep their inner marks", "10,000 $2.99 9/11 7:30pm 5.", "10,000 $ 2.99 9/11 7 : 30pm 5 ."],
    ["abbreviations", "U.S. a/b", "U . S . a / b"],
    ["a link without the sentence's marks", "(http://t.co/Z3n), see.", "( http://t.co/Z3n ) , see ."],
    ["a link that holds brackets", "https://x.org/A_(b) y", "https://x.org/A_(b) y"],
    ["a link that was cut", "http://t.c… htt… http…", "http://t.c… htt … http…"],
    [
      "a link without a scheme",
      "pic.twitter.com/aB1 youtu.be/x www.nba.com!",
      "pic.twitter.com/aB1 youtu.be/x www.nba.com !",
    ],
    ["a link before Japanese text", "https://t.co/aを見る", "https://t.co/a を 見る"],
    ["an e-mail address", "to a.b+c@nba.com.", "to a.b+c@nba.com ."],
    ["HTML entities", "H&amp;M &gt;", "H &amp; M &gt;"],
    ["emoticons, but not a label before a bracket", ":) ;-) <3 ^_^ Note:(x)", ":) ;-) <3 ^_^ Note : ( x )"],
    ["emoji one by one", "go💙🏀!", "go 💙 🏀 !"],
    ["skin tones and variation selectors", "👍🏽👍 ⚾️", "👍🏽 👍 ⚾️"],
    ["joined emoji", "👩‍🚀👨‍👩‍👧 ❤️‍🔥", "👩‍🚀 👨‍👩‍👧 ❤️‍🔥"],
    ["flags, in pairs", "🇺🇸🇬🇧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇺🇸 🇬🇧 🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
    ["keycaps", "12️⃣ #️⃣", "1 2️⃣ #️⃣"],
    ["Chinese, Japanese and Thai by dictionary", "東京に行き、NBAの ภาษาไทย", "東京 に 行き 、 NBA の ภาษา ไทย"],
    ["Korean, Hindi and Arabic by space", "한국어 देवनागरी، نص", "한국어 देवनागरी ، نص"],
    ["combining marks stay on their letter", "e\u0301te\u0301", "e\u0301te\u0301"],
    ["nothing in an empty text or in white space", " \n\u3000\ufeff", ""],
  ])("%s", (_, text, words) => expect(split(text)).toBe(words));
});

test("a post's own bounds win over splitting, and words are kept with the post", () => {
  const post = {
    id: "1",
    text: "don't stop",
    words: [
      { start: 0, end: 5 },
      { start: 6, end: 10 },
    ],
  };
  expect(wordsOf(post).map((word) => word.text)).toEqual(["don't", "stop"]);
  expect(wordsOf(post)).toBe(wordsOf(post));
  expect(wordsOf({ id: "1", text: "don't" })).toHaveLength(3);
});

/** Pieces that posts are made of, whole and broken. */
const pieces = [
  ..." \n\t.,!?'’\"#@&:;()/-_…<>^=*$",
  "\ud83d",
  "\ude00",
  "\u200d",
  "\ufe0f",
  "\u20e3",
  "\u0301",
  "🏽",
  "🇺",
  "🇸",
  "👩",
  "🚀",
  "❤️",
  "1",
  "a",
  "é",
  "İ",
  "中",
  "文",
  "の",
  "ラ",
  "ー",
  "ｶﾞ",
  "ไ",
  "ท",
  "ำ",
  "한",
  "ن",
  "क",
  "्",
  "\u{e0067}",
  "\u{e007f}",
  "🏴",
  "𝒳",
  "𠮷",
  "©",
  "ℹ",
  "http://t.co/",
  "https",
  "www.",
  "x.com/",
  "a@b.co",
  "&amp;",
  ":)",
  "<3",
  "\u00a0",
  "\u200b",
  "\ufeff",
  "\u2028",
  "\0",
  "\u00ad",
  "\u202e",
];
const unicode = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
);

test("offsets are exact, ordered and leave out white space alone, on 10,000 texts of any Unicode", () => {
  fc.assert(
    fc.property(unicode, (text) => {
      let end = 0;
      for (const word of splitWords(text)) {
        expect(word.start).toBeGreaterThanOrEqual(end);
        expect(word.end).toBeGreaterThan(word.start);
        expect(text.slice(word.start, word.end)).toBe(word.text);
        expect(text.slice(end, word.start)).toMatch(/^\s*$/u);
        end = word.end;
      }
      expect(text.slice(end)).toMatch(/^\s*$/u);
    }),
    { numRuns: 10_000 },
  );
}, 60_000);

const pair = /[\ud800-\udbff][\udc00-\udfff]/g;
const sequence =
  /\p{Extended_Pictographic}(?:\p{M}|\p{Emoji_Modifier})*\u200d\p{Extended_Pictographic}|\S[\p{M}\u200d]/gu;

test("no word bound falls inside a surrogate pair, an emoji sequence or before a combining mark", () => {
  fc.assert(
    fc.property(unicode, (text) => {
      const words = splitWords(text);
      const cuts = new Set(words.flatMap(({ start, end }) => [start, end]));
      const inside = [...text.matchAll(pair), ...text.matchAll(sequence)].flatMap(({ 0: found, index }) =>
        Array.from({ length: found.length - 1 }, (_, i) => index + 1 + i),
      );
      expect(inside.filter((at) => cuts.has(at))).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
}, 60_000);

describe("long texts take linear time", () => {
  const units = [
    "a",
    "a.",
    "a@",
    "http://",
    "x.y/",
    "&amp",
    ":-",
    "😀\u200d",
    "\u0301",
    "🇺",
    "\ud83d",
    "1,",
    "-a",
    "a-",
    "東京",
    "ไทย",
    "#",
    "a.b@c.",
  ];
  const seconds = (text: string): number => {
    const from = performance.now();
    splitWords(text);
    return (performance.now() - from) / 1000;
  };
  test.each(units)("%j over and over, 100,000 characters", (unit) => {
    const text = unit.repeat(100_000 / unit.length);
    // The bound is generous for a loaded machine; a quadratic step would take minutes.
    expect(seconds(text)).toBeLessThan(3);
  });
});
