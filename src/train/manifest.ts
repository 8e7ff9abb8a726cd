import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { writeDurably } from "../durable.ts";
import { Fault } from "../errors.ts";

export const manifestFile = "manifest.json";

/** A path inside the folder, with forward slashes, that cannot leave it. */
const inner = z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\\]+$/, "must stay inside the folder");

const schema = z.strictObject({
  schema: z.literal("starling.manifest/1"),
  /** Name of the model, the first part of its version. */
  name: z.string().min(1),
  files: z.array(
    z.strictObject({ path: inner, bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export interface Manifest extends z.output<typeof schema> {
  /** `name` and the first eight digits of the SHA-256 of manifest.json itself: it names the weights. */
  readonly version: string;
}

/** Writes manifest.json with size and SHA-256 of every file of the folder, in the order of their paths. */
export async function writeManifest(folder: string, name: string): Promise<Manifest> {
  const paths = (await filesIn(folder)).filter((path) => path !== manifestFile);
  const files = [];
  for (const path of paths) files.push({ path, ...(await fingerprint(join(folder, path))) });
  const text = `${JSON.stringify({ schema: "starling.manifest/1", name, files }, null, 2)}\n`;
  await writeDurably(join(folder, manifestFile), text);
  return parse(folder, text);
}

/** Throws MANIFEST_MISSING or MANIFEST_BROKEN. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, manifestFile), "utf8").catch((cause: unknown) => {
    throw new Fault("MANIFEST_MISSING", { folder }, { cause });
  });
  return parse(folder, text);
}

/**
 * Reads the manifest and compares size, then SHA-256, of its files with those that stand in the folder.
 * `only` names the files that will be opened, so that others (a card, weights of another precision) may be absent.
 * `depth` "sizes" leaves the digests out: quick, also where the weights are gigabytes.
 * Throws MANIFEST_MISSING, MANIFEST_BROKEN, or MANIFEST_MISMATCH naming the first file that differs.
 */
export async function verifyManifest(
  folder: string,
  only?: readonly string[],
  depth: "sizes" | "contents" = "contents",
): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const unlisted = only?.find((path) => !manifest.files.some((file) => file.path === path));
  if (unlisted !== undefined) mismatch(folder, unlisted, "is not listed in manifest.json");
  const files = manifest.files.filter(({ path }) => only === undefined || only.includes(path));
  for (const { path, bytes, sha256 } of files) {
    const size = await stat(join(folder, path)).then(
      (found) => found.size,
      () => mismatch(folder, path, "is missing"),
    );
    if (size !== bytes)
      mismatch(folder, path, `has ${size} bytes instead of ${bytes}${size < bytes ? ": it is cut off" : ""}`);
    if (depth === "sizes") continue;
    const found = await fingerprint(join(folder, path));
    if (found.sha256 !== sha256) mismatch(folder, path, "has other contents than when it was saved");
  }
  return manifest;
}

const mismatch = (folder: string, file: string, how: string): never => {
  throw new Fault("MANIFEST_MISMATCH", { folder, file, how });
};

function parse(folder: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault("MANIFEST_BROKEN", { folder, why: "it is not JSON" }, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Fault("MANIFEST_BROKEN", { folder, why: z.prettifyError(parsed.error) });
  const digits = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return { ...parsed.data, version: `${parsed.data.name}-${digits}` };
}

/** Paths of all files below `folder`, with forward slashes, sorted by code unit. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(join(folder, sep).length));
  return paths.map((path) => path.split(sep).join("/")).sort();
}

async function fingerprint(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  stream.on("data", (chunk) => {
    bytes += chunk.length;
  });
  await pipeline(stream, hash);
  return { bytes, sha256: hash.digest("hex") };
}
