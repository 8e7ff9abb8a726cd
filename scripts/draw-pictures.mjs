// Draws the pictures of examples/: flat shapes, encoded as PNG with zlib alone. Run it again to get the same bytes.
import { writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const folder = new URL("../examples/pictures/", import.meta.url);

/** `paint(x, y)` answers an index into `palette`, a list of [red, green, blue]. */
function png(width, height, palette, paint) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // eight bits a pixel, by palette
  const rows = Buffer.alloc(height * (width + 1)); // each row begins with its filter, 0
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = paint(x, y);
  const parts = [
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...parts]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

const inside = (x, y, [cx, cy], radius) => (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2;

/** A suspension bridge at dusk: deck, two towers, hanging cables, water. */
function bridge(x, y) {
  if (y > 110) return (y + (x >> 4)) % 9 < 2 ? 5 : 4;
  if (Math.abs(x - 70) < 4 || Math.abs(x - 170) < 4) return y > 20 ? 3 : 0;
  if (y > 92 && y < 98) return 3;
  const middle = x < 70 ? 0 : x < 170 ? 120 : 240;
  const cable = 25 + 65 * (1 - ((x - middle) / (x < 70 || x > 170 ? 70 : 50)) ** 2);
  if (Math.abs(y - cable) < 1.2) return 3;
  if (y > cable && y < 92 && x % 10 === 0) return 3;
  return inside(x, y, [120, 88], 22) ? 2 : y < 55 ? 0 : 1;
}

/** A stage with three beams of light and a crowd. */
function concert(x, y) {
  const heads = 118 - 8 * Math.sqrt(Math.max(0, 1 - (((x % 20) - 10) / 9) ** 2));
  if (y > heads) return 0;
  for (const [at, slope] of [
    [100, -0.6],
    [120, 0],
    [140, 0.6],
  ])
    if (Math.abs(x - at - slope * y) < 4 + y / 8) return at === 120 ? 3 : 2;
  return y > 96 ? 4 : 1;
}

/** A cup seen from above on a table. */
function coffee(x, y) {
  if (inside(x, y, [120, 70], 34)) return inside(x, y, [112, 62], 8) ? 3 : 2;
  if (inside(x, y, [120, 70], 42)) return 1;
  if (inside(x, y, [120, 70], 58)) return 4;
  return (x + y) % 24 < 2 ? 5 : 0;
}

/** A stylised map pin over streets. */
function map(x, y) {
  if (inside(x, y, [120, 52], 9)) return 0;
  if (inside(x, y, [120, 52], 26) || (y > 52 && y < 104 && Math.abs(x - 120) < (104 - y) * 0.5)) return 3;
  if (Math.abs(y - 40 - x / 8) < 3 || Math.abs(x - 60 - y / 5) < 3 || Math.abs(y - 110 + x / 9) < 3) return 1;
  return inside(x, y, [205, 105], 40) ? 2 : 0;
}

const pictures = {
  bridge: [
    bridge,
    [
      [48, 52, 92],
      [224, 122, 95],
      [244, 200, 120],
      [120, 38, 40],
      [36, 70, 100],
      [70, 110, 140],
    ],
  ],
  concert: [
    concert,
    [
      [12, 10, 18],
      [44, 20, 66],
      [214, 60, 140],
      [70, 170, 230],
      [28, 14, 40],
    ],
  ],
  coffee: [
    coffee,
    [
      [158, 112, 74],
      [250, 246, 238],
      [74, 44, 26],
      [190, 140, 96],
      [226, 218, 204],
      [140, 98, 64],
    ],
  ],
  map: [
    map,
    [
      [238, 236, 226],
      [255, 214, 110],
      [150, 200, 226],
      [208, 52, 58],
    ],
  ],
};
for (const [name, [paint, palette]] of Object.entries(pictures))
  writeFileSync(new URL(`${name}.png`, folder), png(240, 135, palette, paint));

// The smallest one, for the data URI of examples/posts.ndjson.
const dot = png(
  8,
  8,
  [
    [255, 255, 255],
    [200, 30, 60],
  ],
  (x, y) => (inside(x, y, [3.5, 3.5], 3) ? 1 : 0),
);
process.stdout.write(`data:image/png;base64,${dot.toString("base64")}\n`);
