import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createImages } from "./images.ts";
import { imageOptions } from "./options.ts";

// Loads the files named on the command line one after the other, as a service would, in a process of its own. For each it
// prints what became of it, and by how many megabytes the peak of this process and its child meanwhile lay above their
// memory before the first.

const silent = { log() {}, count() {}, resolve: (path: string) => path };
const images = await createImages(imageOptions.parse({ timeoutMs: 60_000 }), silent);
const load = (file: string) =>
  images.load({ bytes: readFileSync(file).toString("base64") }, new AbortController().signal);

const processes = () => [
  process.pid,
  ...globSync("/proc/self/task/*/children").flatMap((file) =>
    (readFileSync(file, "utf8").match(/\d+/g) ?? []).map(Number),
  ),
];
const kilobytes = (name: string) => {
  const line = new RegExp(`${name}:\\s+(\\d+)`);
  return processes().reduce((sum, id) => sum + Number(line.exec(readFileSync(`/proc/${id}/status`, "utf8"))![1]), 0);
};
/** Sets the peaks back to what is used now; where that is not allowed, each peak is that of all files so far. */
const forgetPeaks = () => {
  for (const id of processes())
    try {
      writeFileSync(`/proc/${id}/clear_refs`, "5");
    } catch {}
};

const [small, ...bombs] = process.argv.slice(2) as [string, ...string[]];
await load(small);
const before = kilobytes("VmRSS");
for (const bomb of bombs) {
  forgetPeaks();
  const outcome = await load(bomb);
  const says = outcome.kind === "pass" ? outcome.reason : outcome.kind;
  console.log(JSON.stringify({ says, megabytes: Math.round((kilobytes("VmHWM") - before) / 1000) }));
}
await images.close();
