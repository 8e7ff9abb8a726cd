import { crc32, deflateSync, gzipSync } from "node:zlib";
import type { Sharp } from "sharp";
import sharp from "sharp";

/** A file that means to hurt or is broken, and what must be said of it: a reason, or "ok" with its first frame. */
export interface Bomb {
  readonly name: string;
  readonly says: "ok" | "image_too_large" | "image_unreadable";
  make(): Promise<Uint8Array>;
}

/** 25 million pixels, as many as are ever decoded. */
const WIDE = 5000;

/** A smooth picture of 25 million pixels, so that it packs well. */
const canvas = (width = WIDE, height = WIDE, channels: 3 | 4 = 3): Sharp =>
  sharp({
    create: { width, height, channels, background: { r: 30, g: 120, b: 200, alpha: 0.5 } },
    limitInputPixels: false,
  });

const PNG = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
};

interface Png {
  readonly width: number;
  readonly height: number;
  readonly bits?: 8 | 16;
  readonly interlace?: boolean;
  readonly before?: readonly Buffer[];
  readonly idat?: Uint8Array;
}

/** An RGBA PNG written by hand; all of its pixels are zero bytes unless `idat` says otherwise. */
function png({ width, height, bits = 8, interlace = false, before = [], idat }: Png): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([bits, 6, 0, 0, interlace ? 1 : 0], 8);
  // Seven passes of an interlaced picture add rows, each with a filter byte: a few more zeros do no harm.
  const rows = height * (width * 4 * (bits / 8) + 1) + (interlace ? height * 2 : 0);
  const pixels = idat ?? deflateSync(Buffer.alloc(rows), { level: 9 });
  return Buffer.concat([PNG, chunk("IHDR", head), ...before, chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

const zeros = (bytes: number) => deflateSync(Buffer.alloc(bytes), { level: 9 });
const text = (name: string, data: Uint8Array) => Buffer.concat([Buffer.from(`${name}\0\0`, "latin1"), data]);
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);
const small = () => sharp({ create: { width: 640, height: 480, channels: 3, background: "#123456", noise: noise } });
const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;

/** A JPEG whose frame header claims another size. */
async function jpegOf(width: number, height: number): Promise<Buffer> {
  const bytes = await small().jpeg().toBuffer();
  const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

/** A progressive JPEG that repeats its last scan over and over: each one is a pass over all pixels. */
async function scanBomb(scans: number): Promise<Buffer> {
  const bytes = await canvas(2000, 2000).jpeg({ progressive: true }).toBuffer();
  const last = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scan = bytes.subarray(last, bytes.length - 2);
  return Buffer.concat([bytes.subarray(0, last), ...new Array<Buffer>(scans).fill(scan), bytes.subarray(-2)]);
}

/** A GIF of many frames of one pixel on a screen of the given size. */
function gif(width: number, height: number, frames: number): Buffer {
  const head = Buffer.from("GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff", "latin1");
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  const frame = Buffer.from("\x21\xf9\x04\0\x01\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0", "latin1");
  return Buffer.concat([head, ...new Array<Buffer>(frames).fill(frame), Buffer.from(";")]);
}

/** Writes over the size of an AVIF's `ispe` box. */
async function avifOf(width: number, height: number): Promise<Buffer> {
  const bytes = await small().avif({ effort: 0 }).toBuffer();
  const box = bytes.indexOf("ispe");
  bytes.writeUInt32BE(width, box + 8);
  bytes.writeUInt32BE(height, box + 12);
  return bytes;
}

/** A true picture in the box of a tiny one. */
async function hidden(): Promise<Buffer> {
  const bytes = await canvas().avif({ effort: 0 }).toBuffer();
  const box = bytes.indexOf("ispe");
  bytes.writeUInt32BE(64, box + 8);
  bytes.writeUInt32BE(64, box + 12);
  return bytes;
}

/** Colours that no palette packs away. */
function gradient(side = WIDE): Sharp {
  const pixels = Buffer.alloc(side * side * 4);
  for (let y = 0, at = 0; y < side; y++)
    for (let x = 0; x < side; x++, at += 4) pixels.writeUInt32LE(((x >> 2) | ((y >> 2) << 12)) >>> 0, at);
  return sharp(pixels, { raw: { width: side, height: side, channels: 4 }, limitInputPixels: false });
}

/** A WebP header that claims a square of this side. */
async function webpOf(side: number): Promise<Buffer> {
  const bytes = await small().webp({ lossless: true, effort: 0 }).toBuffer();
  const at = bytes.indexOf("VP8L") + 9;
  bytes.writeUInt32LE((((side - 1) | ((side - 1) << 14)) >>> 0) | (bytes.readUInt32LE(at) & 0xf0000000), at);
  return bytes;
}

/** A TIFF of one strip that would unpack to a square of this side. */
function tiffOf(side: number): Buffer {
  const strip = zeros(side * 1000);
  const tags = [
    [256, 4, side],
    [257, 4, side],
    [258, 3, 8],
    [259, 3, 8],
    [262, 3, 1],
    [273, 4, 8],
    [278, 4, side],
    [279, 4, strip.length],
  ];
  const directory = Buffer.alloc(2 + tags.length * 12 + 4);
  directory.writeUInt16LE(tags.length, 0);
  for (const [i, [tag = 0, kind = 0, value = 0]] of tags.entries()) {
    directory.writeUInt16LE(tag, 2 + i * 12);
    directory.writeUInt16LE(kind, 4 + i * 12);
    directory.writeUInt32LE(1, 6 + i * 12);
    directory.writeUInt32LE(value, 10 + i * 12);
  }
  const start = Buffer.from("II*\0\0\0\0\0", "latin1");
  start.writeUInt32LE(8 + strip.length, 4);
  return Buffer.concat([start, strip, directory]);
}

const animatedWebp = (): Promise<Buffer> => {
  const frame = (red: number) => ({
    create: { width: 4740, height: 4740, channels: 4 as const, background: { r: red, g: 0, b: 0, alpha: 0.5 } },
  });
  return sharp([frame(0), frame(99)] as never, { join: { animated: true } })
    .webp({ effort: 0 })
    .toBuffer();
};

const laughs = () =>
  `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha">${[..."bcdefghij"].map((name, i) => `<!ENTITY ${name} "${`&${"abcdefghi"[i]};`.repeat(10)}">`).join("")}]><svg xmlns="http://www.w3.org/2000/svg"><text>&j;</text></svg>`;
const svg = (attributes: string, inside = "") =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inside}</svg>`);

const OK = "ok";
const LARGE = "image_too_large";
const BROKEN = "image_unreadable";
type Row = readonly [name: string, says: Bomb["says"], make: () => Uint8Array | Promise<Uint8Array>];

const rows: readonly Row[] = [
  ["png of 25 million pixels", OK, () => png({ width: WIDE, height: WIDE })],
  ["png, interlaced", LARGE, () => png({ width: WIDE, height: WIDE, interlace: true })],
  ["png, interlaced, as large as may be", OK, () => png({ width: 4240, height: 4240, interlace: true })],
  ["png, 16 bits", OK, () => png({ width: WIDE, height: WIDE, bits: 16 })],
  ["png, 16 bits, interlaced", LARGE, () => png({ width: WIDE, height: WIDE, bits: 16, interlace: true })],
  ["png, 16 bits, as wide as may be", OK, () => png({ width: 12_288, height: 2034, bits: 16 })],
  ["png of 400 million pixels", LARGE, () => png({ width: 20_000, height: 20_000, idat: zeros(1000) })],
  ["png that claims 2^31 rows", BROKEN, () => png({ width: 2 ** 31 - 1, height: 2 ** 31 - 1, idat: zeros(1000) })],
  ["png of one row", LARGE, () => png({ width: 25_000_000, height: 1 })],
  ["png of one column", LARGE, () => png({ width: 1, height: 25_000_000 })],
  [
    "png with a text of 500 MB",
    OK,
    () => png({ width: 64, height: 64, before: [chunk("zTXt", text("a", zeros(5e8)))] }),
  ],
  [
    "png with a profile of 500 MB",
    OK,
    () => png({ width: 64, height: 64, before: [chunk("iCCP", text("a", zeros(5e8)))] }),
  ],
  ["png cut in half", BROKEN, async () => half(await small().png().toBuffer())],
  ["png of noise for pixels", BROKEN, () => png({ width: 64, height: 64, idat: Buffer.from("no deflate at all") })],
  ["png in front of an svg", BROKEN, () => Buffer.concat([PNG, svg('width="10" height="10"')])],
  ["jpeg of 25 million pixels", OK, () => canvas().jpeg({ chromaSubsampling: "4:4:4" }).toBuffer()],
  ["jpeg, progressive", LARGE, () => canvas().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer()],
  [
    "jpeg, progressive, as large as may be",
    OK,
    () => canvas(3775, 3775).jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
  ],
  [
    "jpeg, progressive, on its side",
    OK,
    () => canvas(3775, 3775).jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
  ],
  ["jpeg, on its side", OK, () => canvas().jpeg().withMetadata({ orientation: 6 }).toBuffer()],
  ["jpeg that claims 65500 x 65500", LARGE, () => jpegOf(65_500, 65_500)],
  ["jpeg that claims 4900 x 4900", OK, () => jpegOf(4900, 4900)],
  ["jpeg of 2,000 scans", BROKEN, () => scanBomb(2000)],
  ["jpeg cut in half", BROKEN, async () => half(await small().jpeg().toBuffer())],
  ["gif on a screen of 65535 x 65535", OK, () => gif(65_535, 65_535, 1)],
  ["gif of 25 million pixels", LARGE, () => gradient().gif({ effort: 1, colours: 16, dither: 0 }).toBuffer()],
  ["gif as large as may be", OK, () => gradient(4160).gif({ effort: 1, colours: 16, dither: 0 }).toBuffer()],
  ["gif of 100,000 frames", OK, () => gif(512, 512, 100_000)],
  ["gif cut short", BROKEN, () => gif(512, 512, 1).subarray(0, 21)],
  ["webp of 268 million pixels", LARGE, () => webpOf(16_383)],
  ["webp of 25 million pixels", LARGE, () => canvas().webp({ effort: 0 }).toBuffer()],
  ["webp, lossless, as large as may be", OK, () => gradient(4740).webp({ lossless: true, effort: 0 }).toBuffer()],
  ["webp of two large frames", OK, () => animatedWebp()],
  ["webp cut in half", BROKEN, async () => half(await small().webp().toBuffer())],
  ["avif of 25 million pixels", LARGE, () => canvas().avif({ effort: 0 }).toBuffer()],
  [
    "avif as large as may be",
    OK,
    () => canvas(2064, 2064, 4).avif({ effort: 0, chromaSubsampling: "4:4:4" }).toBuffer(),
  ],
  [
    "avif, 12 bits, as large as may be",
    OK,
    () =>
      canvas(1700, 1700, 4)
        .withMetadata({ orientation: 6 })
        .avif({ effort: 0, chromaSubsampling: "4:4:4", bitdepth: 12 })
        .toBuffer(),
  ],
  ["avif that claims 65500 x 65500", LARGE, () => avifOf(65_500, 65_500)],
  ["avif that claims 2000 x 2000", BROKEN, () => avifOf(2000, 2000)],
  ["avif of 25 million pixels that claims 64 x 64", BROKEN, () => hidden()],
  ["avif cut in half", BROKEN, async () => half(await small().avif({ effort: 0 }).toBuffer())],
  ["tiff of 400 million pixels", BROKEN, () => tiffOf(20_000)],
  ["svg of 10^10 laughs", BROKEN, () => Buffer.from(laughs())],
  ["svg of 60000 x 60000", BROKEN, () => svg('width="60000" height="60000"')],
  ["svg that reads a file", BROKEN, () => svg("", '<image href="file:///etc/passwd"/>')],
  ["svg, packed", BROKEN, () => gzipSync(svg("", " ".repeat(1e8)))],
  ["empty file", BROKEN, () => Buffer.alloc(0)],
];

export const bombs: readonly Bomb[] = rows.map(([name, says, make]) => ({ name, says, make: async () => make() }));
