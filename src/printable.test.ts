import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, printableLines } from "./printable.ts";

/** Every character that could move the cursor, repaint, or turn text around. */
const hostile = new Set(
  [
    ...Array.from({ length: 0x20 }, (_, i) => i).filter((code) => code !== 9),
    ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
    ...[0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069],
    ...[0xfeff, 0xd800, 0xdfff],
  ].map((code) => String.fromCharCode(code)),
);

test("what a terminal would obey is written out, and can be read back as JSON", () => {
  for (const unit of hostile) {
    const shown = printable(`a${unit}b`);
    expect(shown).toMatch(/^a\\u[0-9a-f]{4}b$/);
    expect(JSON.parse(`"${shown}"`)).toBe(`a${unit}b`);
  }
});

test("any text is free of it, and text without it stays as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = printable(text);
      const obeyed = (one: string) => [...one].some((character) => hostile.has(character)) || !one.isWellFormed();
      expect(obeyed(shown)).toBe(false);
      if (!obeyed(text)) expect(shown).toBe(text);
    }),
  );
});

test.each(["Müller\tin Zürich", "עברית and العربية", "👩‍🚀 👍🏽 🇺🇸 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ไทย 日本語"])(
  "%s stays as it is",
  (text) => {
    expect(printable(text)).toBe(text);
  },
);

test("lines stay lines where they are asked for", () => {
  expect(printableLines("a\x1b\nb\r\n")).toBe("a\\u001b\nb\\u000d\n");
  expect(printable("a\nb")).toBe("a\\u000ab");
});
