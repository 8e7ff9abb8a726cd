// biome-ignore-all lint/suspicious/noTemplateCurlyInString: configs are written so.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { substitute } from "./substitute.ts";

const folder = mkdtempSync(join(tmpdir(), "starling-secret-"));
writeFileSync(join(folder, "key"), "s3cret\n");
const fill = (text: string, env = {}) => substitute(text, env, folder);

describe("substitute", () => {
  test.each([
    ["${HOST}:9092", { HOST: "kafka" }, "kafka:9092"],
    ["${A}${B}", { A: "1", B: "2" }, "12"],
    ["${A:-fallback}", {}, "fallback"],
    ["${A:-fallback}", { A: "" }, "fallback"],
    ["${A:-}", {}, ""],
    ["${A}", { A: "" }, ""],
    ["$${A} costs $5", { A: "x" }, "${A} costs $5"],
    ["${A}", { A: "${B}", B: "never" }, "${B}"],
    ["${file:key}", {}, "s3cret"],
    ["${A:-${B:-c}/d}.e", {}, "c/d.e"],
    ["${A:-${B:-c}/d}.e", { B: "b" }, "b/d.e"],
    ["${A:-${B:-c}/d}.e", { A: "${B}", B: "b" }, "${B}.e"],
    ["${A:-x{y}", {}, "x{y"],
  ])("%s", (text, env, filled) => {
    expect(fill(text, env).value).toBe(filled);
  });

  test("knows secrets by file and by name, and no others", () => {
    expect(fill("${file:key}").secrets).toEqual([{ value: "s3cret", written: "${file:key}" }]);
    expect(fill("${OPENAI_API_KEY}", { OPENAI_API_KEY: "sk" }).secrets).toHaveLength(1);
    expect(fill("${HOST}", { HOST: "kafka" }).secrets).toEqual([]);
    expect(fill("${HOST:-${file:key}}").secrets).toEqual([{ value: "s3cret", written: "${file:key}" }]);
  });

  test.each([
    ["${MISSING}", "ENV_MISSING"],
    ["${file:nowhere}", "SECRET_UNREADABLE"],
    ["${not a name}", "SUBSTITUTION"],
    ["${}", "SUBSTITUTION"],
    ["${A:-${MISSING}}", "ENV_MISSING"],
  ])("%s is refused as %s", (text, code) => {
    expect(() => fill(text)).toThrow(expect.objectContaining({ code }));
  });
});
