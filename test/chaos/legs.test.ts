import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { noBroker } from "../kafka/missing.ts";

const root = join(import.meta.dirname, "../..");

async function chaos(...args: readonly string[]) {
  const child = spawn(process.execPath, ["--conditions=source", join(root, "test/chaos/run.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((done) => child.on("close", done));
  const last = said.trimEnd().split("\n").at(-1)!;
  return { code, result: (last.startsWith("{") ? JSON.parse(last) : { said }) as Record<string, unknown> };
}

/** Short legs of `npm run chaos`; what is measured with a clock runs by itself, in .ci/run. */
describe.skipIf(noBroker)(`chaos${noBroker ? ` (${noBroker})` : ""}`, { timeout: 240_000 }, () => {
  test("workers and the broker are killed, and nothing is lost", async () => {
    const counts = ["--events", "4000", "--worker-kills", "6", "--broker-kills", "1", "--poison", "30"];
    const { code, result } = await chaos(...counts, "--seed", "7");
    expect(result).toMatchObject({
      lost: 0,
      duplicatesAfterKey: 0,
      unequal: 0,
      deadLettered: 30,
      inBoth: 0,
      lag: 0,
      broken: [],
    });
    expect(code).toBe(0);
  });

  test("with exactly-once nothing comes twice either", async () => {
    const counts = ["--events", "3000", "--worker-kills", "4", "--broker-kills", "1", "--poison", "15"];
    const { code, result } = await chaos(...counts, "--delivery", "exactly-once");
    expect(result).toMatchObject({ lost: 0, duplicates: 0, deadLettered: 15, inBoth: 0, lag: 0, broken: [] });
    expect(code).toBe(0);
  });

  test("workers come and go, and nobody commits what it does not own", async () => {
    const { code, result } = await chaos("--joins", "12");
    expect(result).toMatchObject({ lost: 0, notOwned: 0, backwards: 0, lag: 0, broken: [] });
    expect(code).toBe(0);
  });

  test("a worker under load stops soon, and its successor repeats nothing", async () => {
    const { code, result } = await chaos("--mode", "sigterm", "--scale", "0.1");
    expect(result).toMatchObject({ stops: 5, lost: 0, duplicates: 0, badExits: 0, broken: [] });
    expect(code).toBe(0);
  });

  test("an option that nobody knows is told", async () => {
    const { code, result } = await chaos("--mode", "quietly");
    expect(code).toBe(2);
    expect(result.said).toMatch(/--mode quietly: one of kills/);
  });
});
