import { join } from "node:path";
import { eventSchema } from "starling-ner";
import { expect, test } from "vitest";
import { configFile, plugin, root, starling } from "./starling.ts";

const SLOW_MS = 1500;

test("a post that is asked about sends its draft at once and its correction when the knowledge came; others wait for nobody", async () => {
  const config = configFile(`source: { use: source-file }
resources: { tagger: { use: ${plugin("tiny-tagger")} } }
stages:
  - { use: draft }
  - { use: gate, options: { cost: 0.5 } }
  - { use: ${join(root, "bench/two-phase/slow-knowledge.ts")}, concurrency: 8, options: { delayMs: ${SLOW_MS} } }
  - { use: final }
sink: { use: sink-file, options: { path: "-" } }
deadLetters: { use: sink-file, options: { path: letters.ndjson } }
`);
  const posts = [
    { id: "asked", text: "Adele sings" },
    { id: "sure", text: "nothing here" },
  ];
  const input = posts.map((post) => `${JSON.stringify(post)}\n`).join("");
  const { stdout, stderr } = await starling(["run", config], { input });
  expect(stderr).toBe("");
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => eventSchema.parse(JSON.parse(line)));
  const told = events.map(({ postId, revision, final, knowledge, passed }) => ({
    post: `${postId} ${revision}`,
    final,
    knows: knowledge !== null,
    passed: passed.map(({ reason }) => reason),
  }));
  expect(told.sort((a, b) => (a.post < b.post ? -1 : 1))).toEqual([
    { post: "asked 0", final: false, knows: false, passed: [] },
    { post: "asked 1", final: true, knows: true, passed: [] },
    { post: "sure 0", final: true, knows: false, passed: ["confident"] },
  ]);
  expect(events.at(-1)).toMatchObject({ postId: "asked", revision: 1 });
  const totalMs = (id: string, of: number) =>
    events.find(({ postId, revision }) => postId === id && revision === of)?.timings.totalMs;
  expect(totalMs("asked", 0)).toBeLessThan(SLOW_MS / 2);
  expect(totalMs("sure", 0)).toBeLessThan(SLOW_MS / 2);
  expect(totalMs("asked", 1)).toBeGreaterThanOrEqual(SLOW_MS - 5);
});
