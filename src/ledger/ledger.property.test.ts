import fc from "fast-check";
import { test } from "vitest";
import { playInterleaving } from "./interleaving.test-help.ts";

/** STARLING_SCALE=1 plays a million; CI a tenth of that; without it enough to see a mistake. */
const scale = Number(process.env.STARLING_SCALE ?? (process.env.CI ? 0.1 : 0.01));
const runs = Math.ceil(1_000_000 * scale);

test(
  `in ${runs} interleavings no watermark passes an unfinished offset, and none goes back`,
  () => {
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 80, size: "max" }), playInterleaving), { numRuns: runs });
  },
  Math.max(20_000, runs),
);
