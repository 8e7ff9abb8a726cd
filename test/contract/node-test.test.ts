import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the contract suites run under node:test as well", () => {
  const file = join(import.meta.dirname, "../fixtures/contract-under-node-test.ts");
  const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
  const run = spawnSync(process.execPath, ["--conditions=source", "--test-reporter=tap", file], {
    encoding: "utf8",
    env,
  });
  expect(run.stdout).toContain("ok 1 - draft: declares itself");
  expect(run.stdout).toContain("# fail 0");
  expect(run.stdout).toMatch(/skipped: no post is bad here.* # SKIP/);
  expect(run.status).toBe(0);
});
