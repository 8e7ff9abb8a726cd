// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfigText, readConfigText } from "./text.ts";

const parse = (source: string, env = {}) => parseConfigText(source, "x.yaml", env);

describe("a config text", () => {
  test("knows where values and keys stand, counting from 1", () => {
    const text = parse("window: 5\nstages:\n  - use: draft\n    batch: 2\n");
    expect(text.position(["window"])).toEqual({ line: 1, column: 9 });
    expect(text.position(["stages", 0, "batch"], "key")).toEqual({ line: 4, column: 5 });
    expect(text.position(["stages", 0, "batch"])).toEqual({ line: 4, column: 12 });
  });

  test("gives the nearest place around for what is not there", () => {
    const text = parse("stages:\n  - use: draft\n");
    expect(text.position(["stages", 0, "options", "tagger"])).toEqual({ line: 2, column: 5 });
    expect(text.position(["sink", "use"])).toEqual({ line: 1, column: 1 });
  });

  test("follows an alias to what it stands for", () => {
    const text = parse("a: &flow { batch: 2 }\nb: *flow\n");
    expect(text.value).toEqual({ a: { batch: 2 }, b: { batch: 2 } });
    expect(text.position(["b", "batch"])).toEqual({ line: 1, column: 19 });
  });

  test("reports every syntax error, with its place", () => {
    expect(parse("a: [1\nb: 2\n").problems).toMatchObject([{ code: "CONFIG_SYNTAX", file: "x.yaml", line: 2 }]);
    expect(parse("a: 1\na: 2\n").problems).toMatchObject([{ code: "CONFIG_SYNTAX", line: 2, column: 1 }]);
  });

  test("tells how to write a placeholder where a bare one breaks the line", () => {
    expect(parse("a: { b: ${A} }\n", { A: "1" }).problems[0]?.message).toContain('put quotes around it: "${NAME}"');
  });

  test("substitutes after parsing: a value can never become YAML", () => {
    const evil = "x\nstages: [{ use: evil }]\n# }";
    const text = parse("a: ${EVIL}\nb: '${EVIL}'\n", { EVIL: evil });
    expect(text.value).toEqual({ a: evil, b: evil });
  });

  test("never substitutes in keys", () => {
    expect(parse('"${A}": 1\n', { A: "b" }).value).toEqual({ "${A}": 1 });
  });

  test("reports all failed substitutions, each at its place", () => {
    expect(parse("a: ${NO}\nb: [1, '${file:/nowhere}']\n").problems).toMatchObject([
      { code: "ENV_MISSING", line: 1, column: 4 },
      { code: "SECRET_UNREADABLE", line: 2, column: 8 },
    ]);
  });

  test("keeps secrets out of what may be shown", () => {
    const text = parse("key: Bearer ${API_KEY}\nhost: ${HOST}\n", { API_KEY: "sk-1", HOST: "h" });
    expect(text.value).toEqual({ key: "Bearer sk-1", host: "h" });
    expect(text.shown).toEqual({ key: "Bearer ${API_KEY}", host: "h" });
    expect(text.redact("refused: sk-1")).toBe("refused: ${API_KEY}");
  });

  test("redacts a secret that holds another one whole", () => {
    const text = parse("a: ${A_KEY}\nb: ${B_KEY}\n", { A_KEY: "abc", B_KEY: "abcdef" });
    expect(text.redact("abcdef abc")).toBe("${B_KEY} ${A_KEY}");
  });

  test("redacts a short secret only where it stands alone", () => {
    const text = parse("a: ${A_KEY}\nb: ${B_KEY}\nc: ${C_KEY}\n", { A_KEY: "on", B_KEY: "a.b$", C_KEY: "ation" });
    expect(text.redact("connection is on, key=on; 'a.b$' aXb$")).toBe(
      "connection is ${A_KEY}, key=${A_KEY}; '${B_KEY}' aXb$",
    );
  });

  test("redacts a secret of six characters also inside a word", () => {
    const text = parse("a: ${A_KEY}\n", { A_KEY: "s3cret" });
    expect(text.redact("xs3cretx")).toBe("x${A_KEY}x");
  });

  test("refuses an alias bomb", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (const [next, last] of ["ba", "cb", "dc", "ed"]) bomb.push(`${next}: &${next} [${`*${last},`.repeat(10)}]`);
    expect(parse(bomb.join("\n")).problems).toMatchObject([{ code: "CONFIG_SYNTAX" }]);
  });
});

test("a file that is not there is CONFIG_UNREADABLE", async () => {
  await expect(readConfigText("/nowhere/x.yaml")).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});

test("secret files are found from the config's folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "starling-config-"));
  writeFileSync(join(folder, "key"), "s3cret\n");
  writeFileSync(join(folder, "c.yaml"), "key: ${file:key}\n");
  expect((await readConfigText(join(folder, "c.yaml"), {})).value).toEqual({ key: "s3cret" });
});
