import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStore } from "./store.ts";

const rules = { tables: "CREATE TABLE IF NOT EXISTS t (a INTEGER)", durable: false };

test("folders that are missing are made; a file in their place is told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-store-"));
  try {
    openStore({ ...rules, file: join(folder, "a/b/c.sqlite") }).close();
    openStore({ ...rules, file: join(folder, "a/b/d.sqlite") }).close();
    await writeFile(join(folder, "file"), "");
    for (const file of ["file/c.sqlite", "file/b/c.sqlite"])
      expect(() => openStore({ ...rules, file: join(folder, file) })).toThrow(
        expect.objectContaining({ code: "CHAT_STORE_FAILED", message: expect.stringContaining("mkdir") }),
      );
  } finally {
    await rm(folder, { recursive: true });
  }
});

// In a process of its own, for a call that never ends could not be stopped in this one.
test.skipIf(!existsSync("/proc/self"))(
  "a folder that can never be made is told at once",
  () => {
    const script = `
    const { openStore } = await import(${JSON.stringify(new URL("store.ts", import.meta.url).href)});
    try {
      openStore({ tables: "", durable: false, file: process.argv[1] });
    } catch ({ code, message }) {
      console.log(code, message);
    }`;
    for (const file of ["/proc/nodir/b.sqlite", "/proc/nodir/deeper/b.sqlite"]) {
      const told = spawnSync(process.execPath, ["--input-type=module", "-e", script, file], {
        timeout: 20_000,
        killSignal: "SIGKILL",
        encoding: "utf8",
      });
      expect([told.signal, told.stdout]).toEqual([null, expect.stringMatching(/^CHAT_STORE_FAILED .*\/proc\/nodir/)]);
    }
  },
  50_000,
);
