import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type AnyPlugin, API, type Post } from "starling-ner";
import { expect, test } from "vitest";
import { configSchema, stageUseSchema } from "../../src/config/schema.ts";
import { loadBuiltins } from "../../src/load.ts";

const root = join(import.meta.dirname, "../..");
const documents = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "plugins/*/README.md"], { cwd: root });
const read = (file: string) => readFileSync(join(root, file), "utf8");
const blocks = (file: string, language: string) =>
  Array.from(read(file).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")), ([, code]) => code!);

/** As GitHub makes anchors of headings. */
const anchors = (file: string) =>
  Array.from(read(file).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );

test.each(documents)("every link of %s leads to a file, and to a heading in it", (document) => {
  for (const [, link] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link!)) continue;
    const [path, anchor] = link!.split("#");
    const target = path === "" ? document : relative(root, resolve(root, dirname(document), path!));
    expect(existsSync(join(root, target)), `${document}: ${link}`).toBe(true);
    if (anchor !== undefined) expect(anchors(target), `${document}: ${link}`).toContain(anchor);
  }
});

test("the index names every document of docs/", () => {
  const index = read("docs/README.md");
  for (const file of globSync("*.md", { cwd: join(root, "docs") }))
    if (file !== "README.md") expect(index, file).toContain(`](${file})`);
});

test("configuration.md has every key of a config, and every setting of a stage, with its default", () => {
  const page = read("docs/configuration.md");
  for (const key of Object.keys(configSchema.shape)) expect(page).toContain(`| \`${key}\` |`);
  for (const [key, schema] of Object.entries(stageUseSchema.shape)) {
    if (key === "use" || key === "options") continue;
    const standard = schema.safeParse(undefined).data;
    expect(page).toMatch(new RegExp(`\\| \`${key}\` \\| .*${standard ?? ""}.* \\|`));
  }
});

test("configuration.md has every built-in plugin, with every option of its own", async () => {
  const page = read("docs/configuration.md");
  for (const plugin of await loadBuiltins()) {
    const heading = new RegExp(`^### .*\\b${plugin.name}\\b`, "m").exec(page);
    expect(heading, plugin.name).not.toBeNull();
    const section = page.slice(heading!.index).split(/\n##+ /)[0]!;
    for (const option of Object.keys((plugin.options as unknown as { shape: object }).shape))
      expect(section, `${plugin.name}: ${option}`).toMatch(new RegExp(`\`${option}\``));
  }
});

test("the stage of plugins.md works as the page says", async () => {
  const code = blocks("docs/plugins.md", "ts")[0]!;
  // Inside the project, where the package can be imported by its name; outside node_modules, where Node reads TypeScript.
  await mkdir(join(root, "out"), { recursive: true });
  const folder = await mkdtemp(join(root, "out/documents-"));
  try {
    const file = join(folder, "captioner-alt.ts");
    await writeFile(file, code);
    const { default: plugin } = (await import(pathToFileURL(file).href)) as { default: AnyPlugin };
    if (plugin.kind !== "stage") return expect.unreachable("it is a stage");
    expect(plugin.api).toBe(API);
    const stage = await plugin.open(plugin.options.parse({}), undefined as never);
    const post: Post = {
      id: "1",
      text: "a",
      images: [
        { src: "a.png", alt: "no" },
        { src: "b.png", alt: "A bridge" },
      ],
    };
    const outcomes = await stage.run(
      [
        { post, facts: {} },
        { post: { id: "2", text: "b" }, facts: {} },
      ],
      AbortSignal.timeout(1000),
    );
    expect(outcomes).toEqual([
      { kind: "ok", value: { captions: [{ image: 1, text: "A bridge", source: "alt" }] } },
      { kind: "pass", reason: "no_alt", degraded: false },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
