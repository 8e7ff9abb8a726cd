import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { configFile, root, starling, tinyConfig } from "./starling.ts";

test("--help names every command, the exit codes, and is quick", async () => {
  const { code, stdout } = await starling(["--help"]);
  expect(code).toBe(0);
  for (const word of ["run", "check", "train", "evaluate", "plugins", "schema", "Exit codes"])
    expect(stdout).toContain(word);
});

test.each(["run", "check", "train", "evaluate", "plugins", "schema"])("%s --help tells its options", async (name) => {
  const { code, stdout } = await starling([name, "--help"]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^Usage: starling ${name} [\\s\\S]*--help`))]);
});

test("--version is that of the package", async () => {
  expect((await starling(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  ["an unknown command", ["rnu"], "unknown command 'rnu'"],
  ["an unknown option", ["run", "--inptu", "x"], "unknown option '--inptu'"],
  ["too many arguments", ["check", "a", "b"], "too many arguments"],
  ["a missing argument", ["run", "--input"], "argument missing"],
  ["no command at all", [], "Usage: starling"],
])("%s is exit code 2", async (_, args, words) => {
  const { code, stdout, stderr } = await starling(args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(words);
});

test("data that cannot be read, and a config without the section, are exit code 2 and say what to do", async () => {
  const config = configFile(tinyConfig());
  const data = await starling(["evaluate", "--model", "m", "--data", "nowhere.txt"]);
  expect([data.code, data.stderr]).toEqual([2, expect.stringContaining("there is no such file; check the path")]);
  for (const command of ["train", "evaluate"]) {
    const { code, stderr } = await starling([command, config]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        new RegExp(
          `^starling: .* has a problem: \\[CONFIG_INVALID\\]\n.*the key "${command}" is missing; add "${command}: {`,
        ),
      ),
    ]);
  }
});

describe("starling check", () => {
  test("says that a config is in order, and opens nothing", async () => {
    const config = configFile(tinyConfig());
    expect(await starling(["check", config])).toMatchObject({
      code: 0,
      stdout: `${config} is in order: draft > final\n`,
      stderr: "",
    });
  });

  test("finds nothing wrong with the config that comes with the package", async () => {
    const { code, stdout, stderr } = await starling(["check"], { cwd: root });
    expect([code, stdout, stderr]).toEqual([
      0,
      "config/default.yaml is in order: captioner-alt > draft > retriever-msea > gate > knowledge-replay > final\n",
      "",
    ]);
  });

  test.each(["knowledge", "knowledge-captions"])("finds nothing wrong with config/evaluate/%s.yaml", async (name) => {
    const env = { STARLING_DATA: "data", STARLING_SET: "twitter2017", STARLING_MODEL: join(root, "models/default") };
    const args = ["check", "--no-files", join(root, `config/evaluate/${name}.yaml`)];
    const { code, stdout, stderr } = await starling(args, { env });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/is in order: draft > gate > knowledge-replay > final\n$/);
  });

  test("prints all problems and is exit code 2", async () => {
    const config = configFile(tinyConfig().replace("batch: 8", "batch: 0").replace("deadLetters", "deadLeters"));
    const { code, stdout, stderr } = await starling(["check", config]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`${config}:6:26: stages[0].batch`);
    expect(stderr).toContain('did you mean "deadLetters"?');
    expect(stderr).toContain('the key "deadLetters" is missing');
  });

  test("tells of models, inputs and outputs that are not there, unless told to look at no files", async () => {
    const config = configFile(
      tinyConfig({ source: "{ use: source-file, options: { path: posts.ndjson } }" })
        .replace(/use: "[^"]*tiny-tagger.ts"/, "use: tagger-onnx, options: { model: models/mine }")
        .replace("path: letters.ndjson", "path: /dev/null/letters.ndjson"),
    );
    const { code, stdout, stderr } = await starling(["check", config]);
    const folder = dirname(config);
    expect([code, stdout, stderr.trimEnd().split("\n")]).toEqual([
      2,
      "",
      [
        expect.stringMatching(
          `^${config}:2:46: cannot read ${folder}/posts.ndjson: .*check path.* \\[INPUT_MISSING\\]$`,
        ),
        expect.stringMatching(`^${config}:4:49: ${folder}/models/mine is missing; .* \\[MODEL_FILE_MISSING\\]$`),
        expect.stringMatching(`^${config}:10:49: cannot write /dev/null/letters.ndjson: .* \\[OUTPUT_FAILED\\]$`),
      ],
    ]);
    expect(await starling(["check", "--no-files", config])).toMatchObject({ code: 0, stderr: "" });
  });

  test("prints JSON where asked", async () => {
    const config = configFile(tinyConfig().replace("stages:", "window: 1\nstages:"));
    const { code, stdout } = await starling(["check", config, "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { file: config, problems: [], warnings: [{ code: "WINDOW_SMALL" }] },
    ]);
  });

  test("is exit code 2 for a config that is not there", async () => {
    expect(await starling(["check", join(root, "nowhere.yaml")])).toMatchObject({ code: 2, stdout: "" });
  });
});

test("plugins --json is one object a line, with what stages need and give", async () => {
  const { code, stdout } = await starling(["plugins", "--json"]);
  const plugins = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string });
  expect(code).toBe(0);
  expect(plugins).toContainEqual(
    expect.objectContaining({ name: "draft", kind: "stage", uses: ["captions"], gives: ["draft", "feature"] }),
  );
  expect(plugins).toContainEqual(expect.objectContaining({ name: "source-file", kind: "source" }));
});

test("schema is a draft-7 JSON Schema that knows the options of built-in plugins", async () => {
  const schema = JSON.parse((await starling(["schema"])).stdout) as {
    properties: { stages: { items: { allOf: object[] } } };
  };
  expect(schema).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", additionalProperties: false });
  expect(JSON.stringify(schema.properties.stages.items.allOf)).toContain('"use":{"const":"draft"}');
});

test.each(["--input", "--output"])("run %s with an empty path, as of an unset variable, is usage", async (flag) => {
  const { code, stdout, stderr } = await starling(["run", configFile(tinyConfig()), flag, ""]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(`starling: ${flag} is empty; name a path, or - for the terminal or a pipe [USAGE]\n`);
});

/** Standard output is a file on a full disk. */
const ontoFullDisk = (...args: string[]) =>
  spawnSync("sh", ["-c", 'exec "$@" > /dev/full', "sh", process.execPath, "--conditions=source", ...args], {
    input: '{"id":"1","text":"Ada"}\n',
    encoding: "utf8",
  });

describe.skipIf(!existsSync("/dev/full"))("a full disk behind standard output", () => {
  const sentence = /^starling: no space left for standard output; make room .*\n$/;

  test("is told once by run, and is exit code 1", () => {
    const config = configFile(tinyConfig());
    const { status, stderr } = ontoFullDisk(join(root, "src/cli.ts"), "run", config, "--input", "-", "--output", "-");
    expect([status, stderr]).toEqual([1, expect.stringMatching(sentence)]);
  });

  test("is told by a command that prints", () => {
    const { status, stderr } = ontoFullDisk(join(root, "src/cli.ts"), "plugins", "--json");
    expect([status, stderr]).toEqual([1, expect.stringMatching(sentence)]);
  });
});
