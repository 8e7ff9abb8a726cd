import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { realFile } from "./real-file.ts";

test("finds the file behind links, also one that is not there yet; a device is none", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "real-file-")));
  const at = (name: string) => join(folder, name);
  mkdirSync(at("data"));
  writeFileSync(at("data/there"), "");
  symlinkSync("data", at("folder"));
  symlinkSync("folder/there", at("known"));
  symlinkSync("folder/none", at("first"));
  symlinkSync(at("first"), at("second"));
  symlinkSync("round", at("round"));
  expect(await realFile(at("known"))).toBe(at("data/there"));
  expect(await realFile(at("second"))).toBe(at("data/none"));
  expect(await realFile(at("folder/none"))).toBe(at("data/none"));
  expect(await realFile(at("round"))).toBe(at("round"));
  expect(await realFile("/dev/null")).toBeUndefined();
});
