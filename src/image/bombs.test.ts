import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { bombs } from "./bombs.test-help.ts";

const MAX_MEGABYTES = 150;
const small = join(import.meta.dirname, "../../examples/pictures/bridge.png");
const probe = join(import.meta.dirname, "peak.test-help.ts");

interface Found {
  readonly says: string;
  readonly megabytes: number;
}

/** One process opens all of them, one after the other. */
async function openAll(): Promise<Found[]> {
  const folder = await mkdtemp(join(tmpdir(), "bombs-"));
  try {
    const files = bombs.map((_, i) => join(folder, String(i)));
    for (const [i, { make }] of bombs.entries()) await writeFile(files[i]!, await make());
    const run = promisify(execFile)(process.execPath, [...process.execArgv, probe, small, ...files]);
    return (await run).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Found);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const noPeak = existsSync("/proc/self/status") ? "" : " (skipped: this system does not tell the peak of a process)";

describe.skipIf(noPeak)(`images that are broken or mean harm${noPeak}`, () => {
  let found: readonly Found[] = [];
  beforeAll(async () => {
    found = await openAll();
  }, 120_000);

  test.each(bombs.map((bomb, i) => ({ ...bomb, i })))(`$name: $says, within ${MAX_MEGABYTES} MB`, ({ says, i }) => {
    expect(found[i]).toMatchObject({ says });
    expect(found[i]!.megabytes).toBeLessThanOrEqual(MAX_MEGABYTES);
  });
});
