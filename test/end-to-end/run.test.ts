// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type EntityEvent, eventSchema } from "../../src/schema/event.ts";
import { configFile, freshFolder, plugin, root, starling, start, tinyConfig } from "./starling.ts";

const posts = '{"id":"1","text":"Adele sings"}\n{"id":"2","text":"nothing"}\n';
const events = (stdout: string): EntityEvent[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => eventSchema.parse(JSON.parse(line)));
const stage = (options: string) => `  - { use: "${plugin("odd-stage")}", options: { ${options} } }`;

describe("starling run", () => {
  test("reads standard input and prints one event a line, and nothing else", async () => {
    const { code, stdout, stderr } = await starling(["run", configFile(tinyConfig())], { input: posts });
    expect([code, stderr]).toEqual([0, ""]);
    expect(events(stdout).map(({ postId, entities }) => [postId, entities.map(({ text }) => text)])).toEqual([
      ["1", ["Adele"]],
      ["2", []],
    ]);
  });

  test("puts a bad post into the dead letters with its bytes, and goes on", async () => {
    const config = configFile(tinyConfig());
    const { code, stdout, stderr } = await starling(["run", config], { input: `{"id":\n${posts}` });
    expect([code, events(stdout).length]).toEqual([0, 2]);
    const place = join(dirname(config), "letters.ndjson");
    expect(stderr).toContain(`3 posts read, 2 answered, 1 dead-lettered to ${place} (source: POST_NOT_JSON 1)`);
    const letter = JSON.parse(readFileSync(join(dirname(config), "letters.ndjson"), "utf8")) as { bytes: string };
    expect(Buffer.from(letter.bytes, "base64").toString()).toBe('{"id":');
  });

  test("says in one line that another provider is in use than was asked for", async () => {
    const model = join(root, "models/default");
    // There is one of them on each system that this may run on, and neither has the other.
    const absent = process.platform === "win32" ? "coreml" : "dml";
    const config = tinyConfig({
      tagger: `{ use: tagger-onnx, options: { model: "${model}", provider: [${absent}, cpu] } }`,
    });
    const { code, stdout, stderr } = await starling(["run", configFile(config)], { input: posts });
    expect([code, events(stdout).length]).toEqual([0, 2]);
    expect(stderr).toMatch(
      new RegExp(`^warning: tagger-onnx: provider ${absent} is not in use; cpu is \\(version .*\\)\n$`),
    );
  });

  test("makes no dead-letter file where no post is bad", async () => {
    const config = configFile(tinyConfig());
    await starling(["run", config], { input: posts });
    expect(existsSync(join(dirname(config), "letters.ndjson"))).toBe(false);
  });

  test("takes --input and --output instead of the config's source and sink, from where the user is", async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, "in.ndjson"), posts);
    const args = [
      "run",
      configFile(tinyConfig({ source: `{ use: "${plugin("ticker")}" }` })),
      "-i",
      "in.ndjson",
      "-o",
      "out.ndjson",
    ];
    expect(await starling(args, { cwd })).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(events(readFileSync(join(cwd, "out.ndjson"), "utf8"))).toHaveLength(2);
  });

  test("ends quietly when its reader has enough", async () => {
    const config = configFile(tinyConfig({ source: `{ use: "${plugin("ticker")}" }` }));
    const { child, ended, sees } = start(["run", config]);
    await sees("\n");
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining("starling:") });
    expect(existsSync(join(dirname(config), "letters.ndjson"))).toBe(false);
  });

  test("writes out what a terminal would obey in the post that a message names", async () => {
    const config = configFile(tinyConfig({ stages: stage("fails: true").replace(" }", " }, onFail: stop") }));
    const post = JSON.stringify({ id: "\x1b[2J\u202eowned", text: "a" });
    const { stderr } = await starling(["run", config], { input: post });
    expect(stderr).toContain("odd-stage failed on post \\u001b[2J\\u202eowned");
    expect(stderr).not.toMatch(/\u202e/);
  });

  test("is exit code 1 when a fault stops it on the way", async () => {
    const config = configFile(tinyConfig({ stages: stage("fails: true").replace(" }", " }, onFail: stop") }));
    const { code, stderr } = await starling(["run", config], { input: posts });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^starling: .*cannot/)]);
  });
});

describe("starling run never starts", () => {
  test("without its config", async () => {
    const { code, stderr } = await starling(["run", "nowhere.yaml"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^starling: .*nowhere.yaml.*ENOENT.*\[CONFIG_UNREADABLE\]\n$/),
    ]);
  });

  test("with a config that has problems: all are told, with line and column", async () => {
    const config = configFile(`windw: 1\n${tinyConfig().replace("use: draft,", "use: drafft,")}`);
    const { code, stdout, stderr } = await starling(["run", config], { input: posts });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`${config}:1:1: nothing reads the key "windw"; did you mean "window"?`);
    expect(stderr).toContain(`${config}:7:12: there is no plugin "drafft"`);
  });

  test("when a plugin throws at opening, and says which without a stack", async () => {
    const config = configFile(tinyConfig({ stages: stage("opening: badly") }));
    const { code, stderr } = await starling(["run", config], { input: posts });
    expect([code, stderr]).toEqual([
      2,
      "starling: odd-stage (odd-stage) could not be opened: the service refused: badly [PLUGIN_OPEN_FAILED]\n",
    ]);
    expect((await starling(["run", config, "--verbose"])).stderr).toMatch(
      /caused by Error: the service refused[\s\S]* at /,
    );
  });

  test("where it would write over what it reads, whether flags or the config say so", async () => {
    const config = configFile(tinyConfig({ source: "{ use: source-file, options: { path: posts.ndjson } }" }));
    const cwd = dirname(config);
    const refused = async (...args: string[]) => {
      writeFileSync(join(cwd, "posts.ndjson"), posts);
      const { code, stderr } = await starling(["run", config, ...args], { cwd });
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/(sink|deadLetters) would write .*\.ndjson, which source reads; name another file/),
      ]);
      expect(readFileSync(join(cwd, "posts.ndjson"), "utf8")).toBe(posts);
    };
    await refused("-i", "posts.ndjson", "-o", "./posts.ndjson");
    await refused("-o", "posts.ndjson");
    writeFileSync(join(cwd, "letters.ndjson"), posts);
    await refused("-i", "letters.ndjson");
    expect(readFileSync(join(cwd, "letters.ndjson"), "utf8")).toBe(posts);
  });

  test("without the posts that --input names, and says so before it opens a model", async () => {
    const config = configFile(tinyConfig({ stages: stage("opening: badly") }));
    const { code, stderr } = await starling(["run", config, "-i", "nowhere.ndjson"]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /^starling: source-file \(--input\) could not be opened: cannot read .*nowhere.ndjson: .*; check path and permissions \[PLUGIN_OPEN_FAILED: INPUT_MISSING\]\n$/,
      ),
    ]);
  });

  test("with a model that is not there, and points at the line that names it", async () => {
    const config = configFile(
      tinyConfig().replace(/use: "[^"]*tiny-tagger.ts"/, "use: tagger-onnx, options: { model: models/mine }"),
    );
    const { code, stdout, stderr } = await starling(["run", config], { input: posts });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(new RegExp(`${config}:4:49: .*/models/mine is missing; .*\\[MODEL_FILE_MISSING\\]`));
  });

  test("with a secret shown", async () => {
    const config = configFile(tinyConfig({ stages: stage('opening: "${API_KEY}"') }));
    for (const verbose of [[], ["--verbose"]]) {
      const { code, stdout, stderr } = await starling(["run", config, ...verbose], { env: { API_KEY: "sk-12345" } });
      expect([code, stderr]).toEqual([2, expect.stringContaining("the service refused: ${API_KEY}")]);
      expect(stdout + stderr).not.toContain("sk-12345");
    }
  });
});

describe("signals", () => {
  const endless = (stages: string) => configFile(tinyConfig({ source: `{ use: "${plugin("ticker")}" }`, stages }));

  test.each(["SIGINT", "SIGTERM"] as const)("the first %s stops reading and finishes what was read", async (signal) => {
    const { child, ended, sees } = start(["run", endless(stage("tookMs: 30"))]);
    await sees("\n");
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    const [, given, settled] = /given (\d+), settled (\d+)/.exec(stderr) ?? [];
    expect(code).toBe(0);
    expect(Number(given)).toBeGreaterThan(1);
    expect(settled).toBe(given);
    expect(events(stdout)).toHaveLength(Number(given));
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a second %s ends at once with %i", async (signal, expected) => {
    // A stage that never answers, and has hours for it: only the second signal can end this.
    const stuck = stage("never: true").replace(" }", " }, timeoutMs: 3600000");
    const { child, ended } = start(["run", configFile(tinyConfig({ stages: stuck }))], { input: posts });
    await new Promise((done) => child.stderr?.once("data", done));
    child.kill(signal);
    await new Promise((done) => setTimeout(done, 500));
    expect(child.exitCode).toBeNull();
    child.kill(signal);
    expect(await ended).toMatchObject({ code: expected, stdout: "", stderr: "odd-stage waits\n" });
  });
});
