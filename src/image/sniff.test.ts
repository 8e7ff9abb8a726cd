import { expect, test } from "vitest";
import { sniffImage } from "./sniff.ts";

const bytes = (text: string) => Buffer.from(text.padEnd(32, "\0"), "latin1");

test.each([
  ["png", "\x89PNG\r\n\x1a\n"],
  ["jpeg", "\xff\xd8\xff\xe0"],
  ["gif", "GIF89a"],
  ["webp", "RIFF\x10\0\0\0WEBPVP8 "],
  ["bmp", "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
  ["avif", "\0\0\0\x1cftypavif"],
  ["avif", "\0\0\0\x1cftypmif1\0\0\0\0avif"],
  [null, "BMW is a maker of cars, not a bitmap"],
  [null, "RIFF\x10\0\0\0WAVE"],
  [null, "<svg xmlns="],
  [null, ""],
])("%s by its first bytes", (type, head) => {
  expect(sniffImage(bytes(head))).toBe(type);
});

test("fewer bytes than a signature are no image", () => {
  expect(sniffImage(new Uint8Array([0x89, 0x50]))).toBe(null);
});
