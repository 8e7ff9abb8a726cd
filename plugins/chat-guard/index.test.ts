import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Chat, Fault } from "starling-ner";
import { testChat, testHost } from "starling-ner/testing";
import { expect, test } from "vitest";
import openai from "../chat-openai/index.ts";
import { completion, sendJson, startServer } from "../chat-openai/server.test-help.ts";
import plugin from "./index.ts";

const never = new AbortController().signal;
const question = { messages: [{ role: "user" as const, text: "Who?" }], maxTokens: 10 };
const nobody: Chat = {
  model: "test/m",
  takesImages: true,
  guarded: false,
  ask: () => Promise.reject(new Error("nobody is there")),
};

const usage = { inputTokens: 1, outputTokens: 1 };
const answering: Chat = {
  ...nobody,
  ask: async () => ({ text: "yes", structured: false, finish: "stop", usage, usd: 0 }),
};
const silent: Chat = {
  ...nobody,
  ask: (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
};
testChat({ test, plugin, options: { chat: "answering" }, silent: { chat: "silent" }, lend: { answering, silent } });

test("it borrows the chat that it guards, and says of itself what that one says", async () => {
  const settings = plugin.options.parse({ chat: "inner" });
  expect(plugin.borrows!(settings)).toEqual([{ port: expect.objectContaining({ name: "chat@1" }), name: "inner" }]);
  const chat = await plugin.open(settings, testHost({ inner: nobody }));
  expect(chat).toMatchObject({ model: "test/m", takesImages: true, guarded: true });
});

test("before a real server: it tries again, keeps the answer, and books what it cost", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-guard-"));
  await using server = await startServer();
  let failures = 1;
  server.answerWith((response) =>
    failures-- > 0
      ? sendJson(response, { error: { message: "slow down" } }, 429, { "retry-after-ms": "20" })
      : sendJson(response, completion("yes")),
  );
  const price = { inputUsd: 1, outputUsd: 2 };
  const inner = await openai.open(openai.options.parse({ model: "m", baseURL: server.url, price }), testHost());
  const host = { ...testHost({ inner }), resolve: (path: string) => join(folder, path) };
  const settings = plugin.options.parse({
    chat: "inner",
    backoffMs: 10,
    budget: { usdPerDay: 1, file: "budget.db" },
    cache: { memoryMb: 0, file: "answers.db" },
  });
  try {
    const first = await plugin.open(settings, host);
    expect(await first.ask(question, never)).toMatchObject({ text: "yes", usd: 0.00014 });
    await first.close?.();
    const second = await plugin.open(settings, host);
    expect(await second.ask(question, never)).toMatchObject({ text: "yes", usd: 0, cached: true });
    expect((second as typeof second & { figures(): object }).figures()).toEqual({
      circuitOpen: 0,
      underWay: 0,
      budgetLeftUsd: 1 - 0.00014,
    });
    await second.close?.();
    expect(server.received).toHaveLength(2);
    expect(Object.fromEntries(host.counted)).toMatchObject({ asked: 2, sent: 2, retries: 1, hits_file: 1 });
  } finally {
    await inner.close?.();
    await rm(folder, { recursive: true });
  }
});

test("check tells that a budget has no price, through any number of guards, and nothing where that is not known", async () => {
  const parse = (budget?: object) => plugin.options.parse({ chat: "inner", ...(budget && { budget }) });
  const budgeted = parse({ usdPerDay: 1, file: "spent.db" });
  const told = async (settings: typeof budgeted, inner?: object) => {
    const host = { ...testHost(inner && { inner }), reads() {}, writes() {} };
    return (await plugin.check!(settings, host)).map(({ option, error }) => [option, (error as Fault).code]);
  };
  const refused = [[["budget"], "CHAT_PRICE_UNKNOWN"]];
  const [priceless, priced] = [
    { model: "m", price: undefined },
    { model: "m", price: { inputUsd: 1 } },
  ];
  expect(await told(budgeted, priceless)).toEqual(refused);
  expect(await told(budgeted, priced)).toEqual([]);
  expect(await told(budgeted, { model: "m" })).toEqual([]);
  expect(await told(budgeted)).toEqual([]);
  expect(await told(parse(), priceless)).toEqual([]);
  const guardOfGuard = await plugin.foretell!(parse(), testHost({ inner: priceless }));
  expect(await told(budgeted, guardOfGuard)).toEqual(refused);
});

test("check tells files that cannot be kept, or are one: a crash may break that of the cache", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-guard-"));
  const note = join(folder, "note.txt");
  await writeFile(note, "");
  await symlink(folder, join(folder, "again"));
  const found = async (budget: string | undefined, cache: string | undefined) => {
    const settings = plugin.options.parse({
      chat: "inner",
      ...(budget && { budget: { usdPerDay: 1, file: budget } }),
      ...(cache && { cache: { file: cache } }),
    });
    const host = { ...testHost(), resolve: (path: string) => resolve(folder, path), reads() {}, writes() {} };
    return (await plugin.check!(settings, host)).map(({ option, error }) => {
      expect((error as Fault).code).toBe("CHAT_STORE_FAILED");
      return [option.join("."), error.message];
    });
  };
  const folderIn = "it is a folder, not a file";
  try {
    expect(await found(folder, undefined)).toEqual([["budget.file", expect.stringContaining(folderIn)]]);
    expect(await found(undefined, folder)).toEqual([["cache.file", expect.stringContaining(folderIn)]]);
    const inFile = expect.stringContaining(`${note} is no folder`);
    expect(await found("note.txt/sub/spent.db", "note.txt/answers.db")).toEqual([
      ["budget.file", inFile],
      ["cache.file", inFile],
    ]);
    const same = [["cache.file", expect.stringContaining("name the same file")]];
    expect(await found("new/one.db", "./new/one.db")).toEqual(same);
    expect(await found("one.db", "again/one.db")).toEqual(same);
    expect(await found("new/one.db", "new/two.db")).toEqual([]);
    expect(await readdir(folder), "nothing was made").toEqual(["again", "note.txt"]);
    const settings = plugin.options.parse({
      chat: "inner",
      budget: { usdPerDay: 1, file: note },
      cache: { file: note },
    });
    await expect(plugin.open(settings, testHost({ inner: nobody }))).rejects.toThrow("name the same file");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a budget without a price is refused at opening", async () => {
  const settings = plugin.options.parse({ chat: "inner", budget: { usdPerDay: 1, file: ":memory:" } });
  await expect(plugin.open(settings, testHost({ inner: nobody }))).rejects.toMatchObject({
    code: "CHAT_PRICE_UNKNOWN",
  });
});
