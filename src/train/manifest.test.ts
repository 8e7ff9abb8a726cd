import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readManifest, verifyManifest, writeManifest } from "./manifest.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "manifest-"));
  await writeFile(join(folder, "model.onnx"), new Uint8Array(5000).fill(7));
  await mkdir(join(folder, "more"));
  await writeFile(join(folder, "more", "card.json"), "{}");
  await writeManifest(folder, "tiny");
});
afterEach(() => rm(folder, { recursive: true }));

test("lists every file with size and SHA-256, and its version follows from the contents", async () => {
  const manifest = await verifyManifest(folder);
  expect(manifest.files.map(({ path, bytes }) => [path, bytes])).toEqual([
    ["model.onnx", 5000],
    ["more/card.json", 2],
  ]);
  expect(manifest.files[1]!.sha256).toBe("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  expect(manifest.version).toMatch(/^tiny-[0-9a-f]{8}$/);
  await writeFile(join(folder, "model.onnx"), "other");
  expect((await writeManifest(folder, "tiny")).version).not.toBe(manifest.version);
});

test("a truncated model file is named, with what is missing of it", async () => {
  await truncate(join(folder, "model.onnx"), 4000);
  const fault = {
    code: "MANIFEST_MISMATCH",
    message: expect.stringMatching(/model\.onnx.*4000 bytes instead of 5000.*cut off/),
  };
  await expect(verifyManifest(folder)).rejects.toMatchObject(fault);
});

test("a changed byte and a missing file are named; files that will not be opened may be absent", async () => {
  await writeFile(join(folder, "more", "card.json"), "[]");
  await expect(verifyManifest(folder)).rejects.toMatchObject({ message: expect.stringContaining("more/card.json") });
  await rm(join(folder, "more"), { recursive: true });
  await expect(verifyManifest(folder)).rejects.toMatchObject({ message: expect.stringContaining("is missing") });
  await expect(verifyManifest(folder, ["model.onnx"])).resolves.toBeDefined();
  const strange = verifyManifest(folder, ["strange.onnx"]);
  await expect(strange).rejects.toMatchObject({
    code: "MANIFEST_MISMATCH",
    message: expect.stringContaining("strange"),
  });
});

test("no manifest, one that is not JSON, and one that points outside are refused", async () => {
  await expect(readManifest(join(folder, "more"))).rejects.toMatchObject({ code: "MANIFEST_MISSING" });
  await writeFile(join(folder, "manifest.json"), "{");
  await expect(readManifest(folder)).rejects.toMatchObject({ code: "MANIFEST_BROKEN" });
  const files = [{ path: "../secret", bytes: 1, sha256: "0".repeat(64) }];
  await writeFile(join(folder, "manifest.json"), JSON.stringify({ schema: "starling.manifest/1", name: "x", files }));
  await expect(readManifest(folder)).rejects.toMatchObject({ code: "MANIFEST_BROKEN" });
});
