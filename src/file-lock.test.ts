import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { FileLocked, withFileLock } from "./file-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "file-lock-"));
});

test("one works after another, and nothing is left behind", async () => {
  const done: string[] = [];
  const work = (name: string) => () =>
    new Promise<void>((resolve) => {
      done.push(`${name} begins`);
      setTimeout(() => resolve(void done.push(`${name} ends`)), 30);
    });
  await Promise.all(["a", "b", "c"].map((name) => withFileLock(join(folder, "f"), 5000, work(name))));
  expect(done.map((one) => one.split(" ")[1])).toEqual(Array(3).fill(["begins", "ends"]).flat());
  expect(readdirSync(folder)).toEqual([]);
});

test("who waits too long is told so; what the work throws comes through", async () => {
  const file = join(folder, "f");
  await withFileLock(file, 0, async () => {
    await expect(withFileLock(file, 50, async () => {})).rejects.toBeInstanceOf(FileLocked);
  });
  await expect(withFileLock(file, 0, () => Promise.reject(new Error("own")))).rejects.toThrow("own");
  expect(await withFileLock(file, 0, async () => 7)).toBe(7);
});

test("where there can be no lock it does not wait, and tells what the system says", async () => {
  await expect(withFileLock(join(folder, "none", "f"), 60_000, async () => {})).rejects.toMatchObject({
    code: "ENOENT",
  });
  mkdirSync(join(folder, "f.lock"));
  await expect(withFileLock(join(folder, "f"), 60_000, async () => {})).rejects.toMatchObject({ code: "EISDIR" });
  writeFileSync(join(folder, "g.lock"), "my notes, which are no database");
  await expect(withFileLock(join(folder, "g"), 60_000, async () => {})).rejects.toThrow("not a database");
});

test("whoever tries in vain in the same process leaves the lock to its holder", async () => {
  const file = join(folder, "f");
  const elsewhere = `
    const { withFileLock } = await import(${JSON.stringify(import.meta.resolve("./file-lock.ts"))});
    console.log(await withFileLock(${JSON.stringify(file)}, 0, async () => "free").catch(() => "held"));
  `;
  const seen = async () =>
    (await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", elsewhere])).stdout.trim();
  await withFileLock(file, 0, async () => {
    await expect(withFileLock(file, 30, async () => {})).rejects.toBeInstanceOf(FileLocked);
    expect(await seen()).toBe("held");
  });
  expect(await seen()).toBe("free");
});
