import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { configFile, plugin, starling, tinyConfig } from "./starling.ts";

const posts = [
  '{"id":"1","text":"Adele sings"}',
  '{"id":"2","text":"Her Secret Name"',
  '{"id":"3","text":"Bob sings"}',
];
const input = `${posts.join("\n")}\n`;
const linesOf = (stderr: string) =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("the section log makes JSON lines of what is of note, correlated by key", async () => {
  const config = configFile(`log: {}\n${tinyConfig()}`);
  const { code, stdout, stderr } = await starling(["run", config], { input });
  expect([code, stdout.trimEnd().split("\n").length]).toEqual([0, 2]);
  const lines = linesOf(stderr);
  expect(lines.map(({ msg }) => msg)).toEqual(["running", "dead letter", "ended"]);
  const letter = JSON.parse(readFileSync(join(dirname(config), "letters.ndjson"), "utf8"));
  expect(lines[1]).toMatchObject({ level: 40, plugin: "flow", key: letter.key, stage: "source", code: letter.code });
  expect(lines[2]).toMatchObject({ level: 30, read: 3, emitted: 2, deadLettered: 1 });
  expect(stderr).not.toMatch(/Adele|Secret/);
});

test("level warn leaves out what is in order", async () => {
  const config = configFile(`log: { level: warn }\n${tinyConfig()}`);
  const { stderr } = await starling(["run", config], { input });
  expect(linesOf(stderr).map(({ msg }) => msg)).toEqual(["dead letter"]);
});

test("texts of posts and addresses in them are left out of what plugins say, unless they are asked for", async () => {
  const stages = `  - { use: "${plugin("saying-stage")}" }`;
  const said = async (log: string) => {
    const config = configFile(`log: ${log}\n${tinyConfig({ stages })}`);
    const { stderr } = await starling(["run", config], { input: `${posts[0]}\n` });
    return linesOf(stderr).find(({ msg }) => msg === "seen");
  };
  expect(await said("{}")).toMatchObject({
    key: "1",
    text: "[left out]",
    post: "[left out]",
    reason: "cannot fetch https://pictures.example/[left out] (404)",
  });
  expect(await said("{ posts: true }")).toMatchObject({
    text: "Adele sings",
    reason: "cannot fetch https://pictures.example/adele.jpg?id=1 (404)",
  });
});
