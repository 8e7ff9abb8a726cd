import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";

const run = (...args: string[]) =>
  spawn(process.execPath, ["--conditions=source", join(import.meta.dirname, "../cli.ts"), "dev", "llm", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
const written = async (stream: NodeJS.ReadableStream) => {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
};
const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), "dev-llm-")), "script.yaml");
  writeFileSync(path, text);
  return path;
};

test("dev llm prints its address, answers by the script, and says what it was asked when it is stopped", async () => {
  const child = run("--script", file("- { when: adele, answer: Hello }\n"));
  const told = written(child.stderr);
  const [url] = (await once(createInterface(child.stdout), "line")) as [string];
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Adele" }] });
  const answer = await (await fetch(`${url}/chat/completions`, { method: "POST", body })).json();
  expect(answer).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await told).toBe("1 requests, 1 answered, 2 + 2 tokens\n");
}, 20_000);

test.each([
  ["a flaw in the script", ["--script", "FILE"], "- { when: '(', answer: x }\n", "0.when: Invalid regular expression"],
  ["a script that is not there", ["--script", "/no/such.yaml"], "", "/no/such.yaml: ENOENT"],
  ["a port that is none", ["--port", "70000"], "", "--port 70000 is no whole number from 0 to 65535"],
])(
  "dev llm tells %s",
  async (_, args, script, message) => {
    const child = run(...args.map((one) => (one === "FILE" ? file(script) : one)));
    const [told, [code]] = await Promise.all([written(child.stderr), once(child, "exit")]);
    expect([code, told]).toEqual([2, expect.stringContaining(message)]);
  },
  20_000,
);
