import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configFile, freshFolder, plugin, starling } from "./starling.ts";

const adele = {
  ...{ id: "a", text: "Adele sings in London tonight", caption: "a singer on a stage" },
  answer: "Named entities:\n1. Adele (person)\n2. London (location)\nReasoning: she sings there.",
  entities: [
    { text: "Adele", type: "PER" },
    { text: "London", type: "LOC" },
  ],
};
const rain = { id: "b", text: "rain again, and no umbrella", answer: "Named entities:\nNone.", entities: [] };
const lines = (...some: readonly object[]) => some.map((one) => `${JSON.stringify(one)}\n`).join("");

function bankFile(content = lines(adele, rain)): string {
  const file = join(freshFolder(), "bank.ndjson");
  writeFileSync(file, content);
  return file;
}
const retrieving = (bank: string) =>
  configFile(`
resources:
  tagger: { use: "${plugin("tiny-tagger")}" }
  bank: { use: bank-file, options: { path: "${bank}" } }
stages:
  - { use: draft }
  - { use: retriever-msea, options: { n: 2 } }
`);

test("bank build makes the vectors that a service will read, and tells so", async () => {
  const bank = bankFile();
  const config = retrieving(bank);
  const first = await starling(["bank", "build", "--config", config]);
  expect(first).toMatchObject({ code: 0, stdout: "" });
  expect(first.stderr).toMatch(/^features of the bank made, model tiny-1, demonstrations 2, seconds /m);
  expect(readdirSync(join(bank, "..")).sort()).toEqual(["bank.ndjson", "bank.ndjson.tiny-1.features"]);
  const second = await starling(["bank", "build", "--config", config]);
  expect(second.stderr).toMatch(/^features of the bank read/m);
});

test("bank search shows the nearest demonstrations with their cosine", async () => {
  const args = ["bank", "search", "Bob sings in Berlin today", "--caption", "a singer on a stage"];
  const { code, stdout } = await starling([...args, "--config", retrieving(bankFile())]);
  expect(code).toBe(0);
  expect(stdout.split("\n")[0]).toMatch(/^(1\.0000|0\.9\d{3}) {2}a {2}Adele sings in London tonight$/);
  const json = await starling([...args, "--json", "--config", retrieving(bankFile())]);
  expect(JSON.parse(json.stdout.split("\n")[0]!)).toMatchObject({ id: "a", entities: adele.entities });
});

test("bank search without a config takes the bank and the model of the package", async () => {
  const cache = freshFolder();
  const args = ["bank", "search", "What a goal by Marcus Rashford for United", "-n", "3", "--cache", cache];
  const { code, stdout } = await starling(args);
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toHaveLength(3);
  expect(stdout).toMatch(/^0\.\d{4} {2}demo-\d{3} {2}\S/);
  expect(readdirSync(cache)).toHaveLength(1);
}, 60_000);

test("bank check tells what is in a bank", async () => {
  const bank = bankFile();
  const { code, stdout, stderr } = await starling(["bank", "check", bank]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`${bank}: 2 demonstrations, 1 with a caption, 1 without entities (50%); LOC 1, PER 1\n`);
  const single = bankFile(lines(adele));
  expect((await starling(["bank", "check", single])).stdout).toContain(`${single}: 1 demonstration, `);
});

test("bank check tells all that is wrong, and ends with 2", async () => {
  const misnamed = { ...rain, id: "c", entities: [{ text: "Paris", type: "LOC" }] };
  const bank = bankFile(`${lines(adele, rain, misnamed)}{"id"}\n{}\n`);
  const { code, stdout, stderr } = await starling(["bank", "check", bank]);
  expect(code).toBe(2);
  expect(stderr).toContain(`${bank}:4: not JSON, column 6; write one JSON object a line [DATA_MALFORMED]`);
  expect(stderr).toContain(`${bank}:5: id: `);
  expect(stderr).toContain("c is much like b: 100% of the 5-grams of their texts");
  expect(stderr).toContain('c: the entity "Paris" is not in its text');
  expect(stdout).toContain("3 demonstrations");
  const json = await starling(["bank", "check", bank, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ demonstrations: 3, problems: [{ code: "DATA_MALFORMED" }, {}] });
});

test("bank add appends from a file, from standard input, and what PGIM published", async () => {
  const bank = bankFile(lines(rain));
  expect(await starling(["bank", "add", bank, bankFile(lines(rain, adele))])).toMatchObject({
    code: 0,
    stderr: `1 demonstration added to ${bank} (1 already there)\n`,
  });
  const sun = { ...rain, id: "s", text: "sun at last over the whole bay" };
  await starling(["bank", "add", bank, "-"], { input: lines(sun) });
  const folder = freshFolder();
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const pgim = await starling([
    ...["bank", "add", bank],
    ...["--pgim", file("answers", "7\r\nNamed entities:1. Oslo (city)Reasoning:a city\r\n")],
    ...["--entities", file("entities", "7\r\n['Oslo', 'LOC']\r\n")],
    ...["--posts", file("posts", "IMGID:7\nOslo\tB-LOC\nwaits\tO\n")],
    ...["--captions", file("captions", "7.jpg :a harbour\n")],
  ]);
  expect(pgim.code).toBe(0);
  expect(readFileSync(bank, "utf8")).toBe(
    lines(rain, adele, sun, {
      ...{ id: "7", text: "Oslo waits", caption: "a harbour" },
      answer: "Named entities:1. Oslo (city)Reasoning:a city",
      entities: [{ text: "Oslo", type: "LOC" }],
    }),
  );
});

test.each([
  [["bank", "add", "x.ndjson"], "nothing to add; name a file of demonstrations"],
  [["bank", "add", "x.ndjson", "--pgim", "a"], "name --entities and --posts too"],
  [["bank", "search", "text", "--n", "some"], "--n some is no whole number from 1"],
  [["bank", "check", "nowhere.ndjson"], "cannot read nowhere.ndjson: there is no such file"],
  [["bank", "search", "text", "--bank", "nowhere.ndjson"], "there is no such file"],
])("starling %j says what is missing, and ends with 2", async (args, said) => {
  const { code, stderr } = await starling(args);
  expect(stderr).toContain(said);
  expect(code).toBe(2);
});

test("a config without a retriever, or flags beside a config, are told", async () => {
  const config = configFile(`
resources: { tagger: { use: "${plugin("tiny-tagger")}" } }
stages: [{ use: draft }]
`);
  const without = await starling(["bank", "build", "--config", config]);
  expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining("has no stage that gives neighbours") });
  const both = await starling(["bank", "build", "--config", config, "--bank", "b"]);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("--bank goes without a config") });
});
