import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Chat, type ChatRequest, Fault } from "starling-ner";
import { testHost } from "starling-ner/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Asked, type DevLlmOptions, startDevLlm } from "../../src/dev-llm/index.ts";
import plugin from "./index.ts";

const live = new AbortController().signal;
const price = { inputUsd: 2, outputUsd: 8, imageTokens: 1000, batchShare: 0.5 };
const question = (text: string, more: Partial<ChatRequest> = {}): ChatRequest => ({
  messages: [{ role: "user", text }],
  maxTokens: 50,
  ...more,
});
const schema = { name: "z", schema: { type: "object", properties: { reasoning: { type: "string" } } } };

async function open(baseURL: string, more: object = {}): Promise<Chat> {
  const options = plugin.options.parse({ model: "m", baseURL, provider: "dev", price, ...more });
  const chat = await plugin.open(options, testHost());
  onTestFinished(() => chat.close?.());
  return chat;
}
async function setUp(options: DevLlmOptions = {}, more: object = {}) {
  const asked: Asked[] = [];
  const server = await startDevLlm({ ...options, observe: (one) => asked.push(one) });
  onTestFinished(() => server.close());
  const chat = await open(server.url, more);
  const { batches } = chat as Required<Chat>;
  const sent = async (requests: ReadonlyMap<string, ChatRequest>, name = "n") => {
    const batch = { name, id: await batches.begin(name, requests, live) };
    return { batch, state: await batches.look(batch, live), came: await batches.fetch(batch, requests, live) };
  };
  return { server, asked, chat, batches, sent };
}

test("questions go up in one file and answers come down by key, at the share of the price", async () => {
  const { server, asked, sent, batches, chat } = await setUp({ mode: "echo" }, { apiKey: "sk-secret" });
  const image = { bytes: new Uint8Array([1, 2, 3]), type: "image/png" } as const;
  const requests = new Map([
    ["k1", question("eins\nzwei “drei”")],
    ["k2", question("Nora", { temperature: 0.5 })],
    ["k3", { maxTokens: 9, messages: [{ role: "user" as const, text: "see", images: [image] }] }],
  ]);
  const { state, came } = await sent(requests);
  expect(state).toEqual({ status: "completed", reason: "", done: 3, total: 3 });
  const usd = (1 * Math.ceil(16 / 4) + 4 * 4) / 1e6;
  expect(came.get("k1")).toEqual({
    text: "eins\nzwei “drei”",
    structured: false,
    finish: "stop",
    usage: { inputTokens: 4, outputTokens: 4 },
    usd,
  });
  expect(came.get("k2")).toMatchObject({ text: "Nora" });
  expect(asked[2]?.images).toEqual(["data:image/png;base64,AQID"]);
  expect(server.counts.batches).toBe(1);
  expect(chat.price).toEqual({ inputUsd: 2, outputUsd: 8, imageTokens: 1000 });
  expect(batches.price).toEqual({ inputUsd: 1, outputUsd: 4, imageTokens: 1000 });
  expect(batches.bytesOf(requests.get("k3")!)).toBeGreaterThan(100);
});

test("a batch is found by its name; another name is of none", async () => {
  const { batches } = await setUp();
  const requests = new Map([["k", question("Nora")]]);
  const ids = [await batches.begin("one", requests, live), await batches.begin("two", requests, live)];
  expect([await batches.find("one", live), await batches.find("two", live), await batches.find("on", live)]).toEqual([
    ...ids,
    undefined,
  ]);
});

test("each line is an answer or the fault that a single call would end with", async () => {
  const { sent } = await setUp({
    script: [
      { when: "busy", fault: "busy" },
      { when: "failed", fault: "failed" },
      { when: "refused", fault: "refused" },
      { when: "wrong", fault: "wrong_json" },
      { when: "declined", fault: "refusal" },
      { when: "cut", fault: "length" },
      { when: "late", fault: "expired" },
    ],
  });
  const names = ["busy", "failed", "refused", "wrong", "declined", "cut", "late", "fine"];
  const { state, came } = await sent(new Map(names.map((name) => [name, question(name)])));
  expect(state).toMatchObject({ status: "expired", done: 8 });
  const told = names.map((name) => {
    const one = came.get(name)!;
    return one instanceof Fault ? one.code : one.finish;
  });
  expect(told).toEqual([
    "CHAT_BUSY",
    "CHAT_FAILED",
    "CHAT_REFUSED",
    "CHAT_GARBLED",
    "refusal",
    "length",
    "CHAT_BATCH_ENDED",
    "stop",
  ]);
  expect(came.get("late")).toMatchObject({ details: { status: "expired" } });
});

test("a file that the server does not take fails the batch, and the reason is told", async () => {
  const { batches } = await setUp();
  const id = await batches.begin("n", new Map(), live);
  expect(await batches.look({ name: "n", id }, live)).toMatchObject({
    status: "failed",
    reason: "The file has no request",
  });
});

test("a server that refuses schemas is asked again without them", async () => {
  const { sent, asked } = await setUp({ structured: "refused" });
  const requests = new Map([
    ["a", question("Nora", { schema })],
    ["b", question("Cork", { schema })],
  ]);
  const first = await sent(requests);
  expect([...first.came.values()]).toMatchObject([{ code: "CHAT_FAILED" }, { code: "CHAT_FAILED" }]);
  const second = await sent(requests, "again");
  expect([...second.came.values()]).toMatchObject([{ finish: "stop" }, { finish: "stop" }]);
  expect(asked.map((one) => one.schema === undefined)).toEqual([false, false, true, true]);
});

test("a server without batches is told so; one that refuses the key is not taken for one", async () => {
  const { batches } = await setUp({ batchMs: "none" });
  const none = { code: "CHAT_NO_BATCHES", message: expect.stringContaining("answers 404") };
  await expect(batches.begin("n", new Map([["k", question("x")]]), live)).rejects.toMatchObject(none);
  await expect(batches.find("n", live)).rejects.toMatchObject(none);
  const locked = await setUp({ key: "other" }, { apiKey: "sk-secret" });
  const refused = locked.batches.begin("n", new Map(), live);
  await expect(refused).rejects.toMatchObject({ code: "CHAT_REFUSED", details: { status: 401 } });
});

/** A server that tells one batch and one file, whatever it is asked. */
async function tells(batch: unknown, file: string, more: object = {}) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(request.url?.endsWith("/content") ? file : JSON.stringify(batch));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return (await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, more)) as Required<Chat>;
}
const completed = { id: "b", status: "completed", output_file_id: "f" };
const answer = (custom_id: string, more: object = {}) =>
  JSON.stringify({
    custom_id,
    response: { status_code: 200, body: { choices: [{ message: { content: "yes" } }], ...more } },
  });

test("lines that are none are left out; so is nothing else", async () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const file = [
    "<html>",
    answer("a", { usage }),
    "",
    '{"custom_id": 7}',
    `${answer("b")}\r`,
    answer("gone"),
    '{"custom_id":"c"}',
  ].join("\n");
  const { batches } = await tells(completed, file);
  const came = await batches.fetch(
    { name: "n", id: "b" },
    new Map([
      ["a", question("x")],
      ["b", question("x")],
    ]),
    live,
  );
  expect([...came.keys()]).toEqual(["a", "b", "gone", "c"]);
  expect(came.get("a")).toMatchObject({ text: "yes", usage: { inputTokens: 10 } });
  expect(came.get("b"), "it used as much as it may").toMatchObject({ usage: { outputTokens: 50 } });
  expect(came.get("gone"), "nobody knows what that may be").toMatchObject({ code: "CHAT_GARBLED" });
  expect(came.get("c")).toMatchObject({ code: "CHAT_FAILED" });
});

test.each([
  ["no batch", { object: "list" }, "a batch's id"],
  ["a status of another kind", { id: "b", status: 7 }, "a batch's status"],
  ["a status that is none of a batch", { id: "b", status: "pausing" }, 'a batch\'s status is "pausing"'],
])("%s is told", async (_, batch, message) => {
  const { batches } = await tells(batch, "");
  await expect(batches.look({ name: "n", id: "b" }, live)).rejects.toMatchObject({
    code: "CHAT_GARBLED",
    message: expect.stringContaining(message),
  });
});

const ESCAPE = "\u001b[2J\u202e";

test("what a server says of a batch is shown without the key, and with nothing that a terminal obeys", async () => {
  const message = `${ESCAPE}no sk-secret here ${"x".repeat(500)}`;
  const failed = { id: "b", status: "failed", errors: { data: [{ message }, { code: "sk-secret" }] } };
  const { batches } = await tells(failed, "", { apiKey: "sk-secret" });
  const { reason } = await batches.look({ name: "n", id: "b" }, live);
  expect(reason).toMatch(/^\\u001b\[2J\\u202eno … here x+…; …$/);
  expect(reason.length).toBeLessThan(250);
});

test("nor what it says of a request that it did not come to", async () => {
  const message = `${ESCAPE}no sk-secret here ${"x".repeat(500)}`;
  const lines = [
    { custom_id: "a", error: { message } },
    { custom_id: "b", error: { code: "sk-secret\n" } },
    { custom_id: "c", response: { status_code: 400, body: { error: { message } } } },
  ];
  const { batches } = await tells(completed, lines.map((line) => JSON.stringify(line)).join("\n"), {
    apiKey: "sk-secret",
  });
  const came = await batches.fetch({ name: "n", id: "b" }, new Map(), live);
  const told = [...came.values()].map((one) => (one as Fault).message);
  expect(told.length).toBe(3);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant.
  for (const text of told) expect(text).not.toMatch(/sk-secret|[\u0000-\u001f\u202e]/);
});

test.each([
  ["a path", "../files/f"],
  ["orders to a terminal", `b${ESCAPE}`],
  ["the length of a book", "b".repeat(201)],
])("a batch's name with %s is refused, and not shown", async (_, id) => {
  const { batches } = await tells({ id, status: "completed", metadata: { starling: "n" } }, "");
  const refused = { code: "CHAT_GARBLED", message: expect.stringContaining("id: is no name of letters") };
  await expect(batches.begin("n", new Map([["k", question("x")]]), live)).rejects.toMatchObject(refused);
  await expect(batches.look({ name: "n", id: "b" }, live)).rejects.toMatchObject(refused);
  const listed = await tells({ data: [{ id, status: "completed", metadata: { starling: "n" } }], has_more: false }, "");
  await expect(listed.batches.find("n", live)).rejects.toMatchObject(refused);
});

test("where more batches are listed than are looked through, nobody knows whether one began", async () => {
  const data = Array.from({ length: 5000 }, (_, i) => ({ id: `b${i}`, status: "completed" }));
  const { batches } = await tells({ data, has_more: true }, "");
  await expect(batches.find("n", live)).rejects.toMatchObject({
    code: "CHAT_BATCH_UNKNOWN",
    details: { name: "n", looked: 10_000 },
  });
}, 30_000);

test.each([
  ["COMPLETED", "completed"],
  ["Failed", "failed"],
  ["finalizing", "waiting"],
  ["IN_PROGRESS", "waiting"],
])("a status may be written as %s", async (told, status) => {
  const { batches } = await tells({ id: "b", status: told }, "");
  expect(await batches.look({ name: "n", id: "b" }, live)).toMatchObject({ status });
});

test("an aborted call ends with the reason of its signal", async () => {
  const { batches } = await setUp();
  const reason = new Error("enough");
  await expect(batches.look({ name: "n", id: "b" }, AbortSignal.abort(reason))).rejects.toBe(reason);
});
