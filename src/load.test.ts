import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { builtins } from "../plugins/index.ts";
import { type Kind, loadBuiltins, loadPlugin } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "starling-load-"));
const config = join(folder, "config.yaml");
const load = (use: string, kind: Kind = "stage") => loadPlugin(use, kind, config);

const whole = `{ api: 1, kind: "stage", name: "mine", about: "x", needs: [], uses: [], gives: [],
  options: { safeParse: (data) => ({ success: true, data }) }, open: async () => ({ run: async () => [] }) }`;
const file = (name: string, source: string) => writeFileSync(join(folder, name), source);
const installed = (name: string, exports: unknown, source = `export default ${whole};`) => {
  const at = join(folder, "node_modules", name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, type: "module", exports }));
  writeFileSync(join(at, "index.js"), source);
};

beforeAll(() => {
  file("mine.mjs", `export default ${whole};`);
  file("typed.ts", `const plugin: object = ${whole};\nexport default plugin;`);
  file("old.mjs", `export default { ...${whole}, api: 0 };`);
  file("named.mjs", `export const plugin = ${whole};`);
  file("closed.mjs", `export default { ...${whole}, open: undefined };`);
  file("unchecking.mjs", `export default { ...${whole}, check: true };`);
  file("loose.mjs", `export default { ...${whole}, options: {} };`);
  file("factless.mjs", `export default { ...${whole}, gives: undefined };`);
  file("portless.mjs", `export default { ...${whole}, kind: "resource" };`);
  file("strange.mjs", `export default { ...${whole}, kind: "filter" };`);
  file("throwing.mjs", `throw new Error("no network here");`);
  installed("mner-good", "./index.js");
  installed("@acme/mner-scoped", { ".": { default: "./index.js" } });
  installed("mner-no-default", { ".": { import: "./index.js" } });
});

describe("loadPlugin finds", () => {
  test.each([
    ["a built-in", "draft", "draft"],
    ["a file beside the config", "./mine.mjs", "mine"],
    ["a TypeScript file", "./typed.ts", "mine"],
    ["a file by its whole path", join(folder, "mine.mjs"), "mine"],
    ["a package installed where the config stands", "mner-good", "mine"],
    ["a package with a scope", "@acme/mner-scoped", "mine"],
  ])("%s", async (_, use, name) => {
    expect(await load(use)).toMatchObject({ name, kind: "stage" });
  });
});

describe("loadPlugin refuses", () => {
  test.each([
    ["a missing file", "./nowhere.mjs", "PLUGIN_NOT_FOUND", "nowhere.mjs"],
    ["a missing package", "mner-none", "PLUGIN_NOT_FOUND", "npm install mner-none"],
    ["a misspelt built-in", "drfat", "PLUGIN_NOT_FOUND", 'did you mean "draft"?'],
    ["a name that every object has", "constructor", "PLUGIN_NOT_FOUND", "constructor"],
    ["a package without a default entry", "mner-no-default", "PLUGIN_NOT_EXPORTED", '"default" entry in "exports"'],
    ["another API version", "./old.mjs", "PLUGIN_API", "API 0, and this is API 1"],
    ["a module without a default export", "./named.mjs", "PLUGIN_NO_DEFAULT", "export default"],
    ["a plugin without open()", "./closed.mjs", "PLUGIN_SHAPE", "no open()"],
    ["options that are no schema", "./loose.mjs", "PLUGIN_SHAPE", "zod schema"],
    ["a check that is no function", "./unchecking.mjs", "PLUGIN_SHAPE", "check is no function"],
    ["a stage without its list of facts", "./factless.mjs", "PLUGIN_SHAPE", "gives"],
    ["a resource that fills no port", "./portless.mjs", "PLUGIN_SHAPE", "port"],
    ["an unknown kind", "./strange.mjs", "PLUGIN_SHAPE", "filter"],
    ["a module that throws", "./throwing.mjs", "PLUGIN_IMPORT_FAILED", "no network here"],
  ])("%s", async (_, use, code, words) => {
    await expect(load(use)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test("a stage where a sink is wanted", async () => {
    await expect(load("draft", "sink")).rejects.toMatchObject({ code: "PLUGIN_KIND", details: { found: "stage" } });
  });
});

test("every built-in is called as a config calls it", async () => {
  const names = (await loadBuiltins()).map(({ name }) => name);
  expect(names).toEqual(Object.keys(builtins).sort());
});
