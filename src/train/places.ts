import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { manifestFile } from "./manifest.ts";

/** Below the folder of a config, one model for each seed: `--seeds`. */
const seedFolder = /^seed-\d+$/;

/**
 * Why a model cannot be saved as the folder `path`, as far as can be told without writing; undefined where it can.
 * Whether models of several seeds may stand in it says `seeds`.
 */
export async function whyNotSaved(path: string, { seeds = false } = {}): Promise<string | undefined> {
  const found = await readdir(path).catch(() => []);
  const names = found.filter((name) => !seeds || !seedFolder.test(name));
  // What stands there is replaced whole: an older model may be, a folder of other things must not.
  if (names.length > 0 && !names.includes(manifestFile))
    return "it holds other files than a saved model, and saving replaces the whole folder; name a folder of its own";
  return (await whyNotAFolder(path)) ?? whyNotAFolder(dirname(path));
}

/** Why `path` cannot be a folder that is written into, now or once it is made. */
export async function whyNotAFolder(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error)) {
    if (!found.isDirectory()) return `${path} is a file, not a folder`;
    return access(path, constants.W_OK | constants.X_OK).then(
      () => undefined,
      () => `${path} may not be written`,
    );
  }
  return dirname(path) === path ? found.message : whyNotAFolder(dirname(path));
}
