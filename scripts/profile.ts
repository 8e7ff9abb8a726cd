/**
 * Writes the reference profile of a saved model anew, and its manifest, from the data of the config that made it: for
 * folders whose profile.json lacks what was added since. The version of the model changes with its manifest.
 *   node --conditions=source scripts/profile.ts MODEL CONFIG
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openTagger } from "../plugins/tagger-onnx/open-tagger.ts";
import { options } from "../plugins/tagger-onnx/options.ts";
import { configInvalid, readConfigText, validate } from "../src/config/index.ts";
import { testHost } from "../src/testing/host.ts";
import { trainSchema } from "../src/train/config.ts";
import { readManifest, writeManifest } from "../src/train/manifest.ts";
import { prepareData } from "../src/train/prepare.ts";
import { profileOf } from "../src/train/profile.ts";
import { PROFILE_FILE } from "../src/train/profile-file.ts";
import { tagAll } from "../src/train/score.ts";

const [folder, config] = process.argv.slice(2) as [string, string];
const text = await readConfigText(config);
const checked = validate(trainSchema, (text.value as { train?: unknown }).train, text, ["train"]);
if (!("value" in checked)) throw configInvalid(text, checked.problems);
const { signal } = new AbortController();
const data = await prepareData({ config: checked.value, folder: text.folder, stages: [], signal });
const tagger = await openTagger(options.parse({ model: resolve(folder) }), testHost());
try {
  const tagged = await tagAll((inputs, stop) => tagger.tag(inputs, stop), data.valid, signal);
  const profile = profileOf(
    data.train,
    data.valid,
    tagged.map(({ tagging }) => tagging),
  );
  await writeFile(join(folder, PROFILE_FILE), `${JSON.stringify(profile, null, 2)}\n`);
  const { name } = await readManifest(folder);
  const { version } = await writeManifest(folder, name);
  console.log(`${folder} is ${version} now; calibration ${JSON.stringify(profile.calibration)}`);
} finally {
  await tagger.close();
}
