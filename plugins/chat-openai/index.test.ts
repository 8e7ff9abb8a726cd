import { gzipSync } from "node:zlib";
import { type ChatRequest, type Fault, isFault } from "starling-ner";
import { testChat, testHost } from "starling-ner/testing";
import { afterAll, describe, expect, test, vi } from "vitest";
import { retryAfterMs } from "./faults.ts";
import plugin from "./index.ts";
import { completion, sendJson, startServer } from "./server.test-help.ts";

const question: ChatRequest = { messages: [{ role: "user", text: "Who?" }], maxTokens: 50 };
const never = new AbortController().signal;
type Settings = Partial<Parameters<typeof plugin.options.parse>[0] & object>;
const price = { inputUsd: 1, outputUsd: 2, imageTokens: 1000 };

const open = (baseURL: string, more: Settings = {}, host = testHost()) =>
  plugin.open(plugin.options.parse({ model: "m", baseURL, provider: "p", price, ...more }), host);

/** The fault with which a call fails. */
async function faultOf(call: Promise<unknown>): Promise<Fault> {
  const error = await call.then(
    () => expect.unreachable("it answered"),
    (error: unknown) => error,
  );
  return isFault(error) ? error : expect.unreachable(`no fault: ${error}`);
}

const forContract = await startServer();
afterAll(() => forContract.close());
const silent = await startServer(() => {});
afterAll(() => silent.close());
testChat({
  test,
  plugin,
  options: { model: "m", baseURL: forContract.url },
  silent: { model: "m", baseURL: silent.url },
});

describe("what is sent", () => {
  test("a conversation, a cap and a temperature of 0, and nothing of the machine", async () => {
    await using server = await startServer();
    const chat = await open(server.url, { apiKey: "sk-secret", extra: { seed: 7 } });
    await chat.ask(question, never);
    const [{ path, body, headers }] = server.received as [(typeof server.received)[0]];
    expect(path).toBe("/v1/chat/completions");
    expect(body).toEqual({
      model: "m",
      messages: [{ role: "user", content: "Who?" }],
      max_completion_tokens: 50,
      temperature: 0,
      seed: 7,
    });
    expect(headers.authorization).toBe("Bearer sk-secret");
    expect(Object.keys(headers).filter((name) => name.startsWith("x-"))).toEqual([]);
    await chat.close?.();
  });

  test("max_tokens for older servers, and no temperature where that is refused", async () => {
    await using server = await startServer();
    const chat = await open(server.url, { tokenCap: "max_tokens", sendTemperature: false });
    await chat.ask({ ...question, temperature: 1 }, never);
    expect(Object.keys(server.received[0]!.body).sort()).toEqual(["max_tokens", "messages", "model"]);
  });

  test("images as their own bytes, never as an address", async () => {
    await using server = await startServer();
    const chat = await open(server.url, { takesImages: true, imageDetail: "low" });
    const images = [{ bytes: new Uint8Array([1, 2, 3]), type: "image/png" as const }];
    await chat.ask({ ...question, messages: [{ role: "user", text: "What is it?", images }] }, never);
    expect(server.received[0]!.body.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AQID", detail: "low" } },
        ],
      },
    ]);
  });

  test("no image to a model that takes none: it is refused here", async () => {
    await using server = await startServer();
    const images = [{ bytes: new Uint8Array([1]), type: "image/png" as const }];
    const chat = await open(server.url);
    const fault = await faultOf(chat.ask({ ...question, messages: [{ role: "user", text: "", images }] }, never));
    expect(fault.code).toBe("CHAT_REFUSED");
    expect(server.received).toHaveLength(0);
  });

  test("nothing from the environment: no key, no address, no header, no proxy", async () => {
    await using server = await startServer();
    await using elsewhere = await startServer();
    vi.stubEnv("OPENAI_API_KEY", "sk-of-the-environment");
    vi.stubEnv("OPENAI_ORG_ID", "org");
    vi.stubEnv("OPENAI_PROJECT_ID", "project");
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", "x-custom: 1");
    vi.stubEnv("OPENAI_BASE_URL", elsewhere.url);
    vi.stubEnv("HTTP_PROXY", elsewhere.url);
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    try {
      const chat = await open(server.url);
      await chat.ask(question, never);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(elsewhere.received).toHaveLength(0);
    const sent = Object.keys(server.received[0]!.headers);
    for (const name of ["authorization", "openai-organization", "openai-project", "x-custom"])
      expect(sent).not.toContain(name);
  });
});

describe("answers", () => {
  test("text, use and cost", async () => {
    await using server = await startServer();
    const chat = await open(server.url);
    expect(await chat.ask(question, never)).toEqual({
      text: "yes",
      structured: false,
      finish: "stop",
      usage: { inputTokens: 100, outputTokens: 20 },
      usd: (100 * 1 + 20 * 2) / 1e6,
    });
  });

  test.each([
    ["length", completion("a", { choices: [{ finish_reason: "length", message: { content: "a" } }] }), "length"],
    ["length before any text", completion("", { choices: [{ finish_reason: "length", message: {} }] }), "length"],
    ["a filter", completion("", { choices: [{ finish_reason: "content_filter", message: {} }] }), "refusal"],
    ["a refusal", completion("", { choices: [{ finish_reason: "stop", message: { refusal: "No." } }] }), "refusal"],
    ["none told", completion("", { choices: [{ message: { content: "a" } }] }), "stop"],
  ])("finish: %s", async (_, body, finish) => {
    await using server = await startServer((response) => sendJson(response, body));
    const chat = await open(server.url);
    expect((await chat.ask(question, never)).finish).toBe(finish);
  });

  test("a server that does not count is taken to have used all it may", async () => {
    await using server = await startServer((response) => sendJson(response, completion("yes", { usage: null })));
    const chat = await open(server.url);
    const { usage } = await chat.ask(question, never);
    expect(usage.outputTokens).toBe(50);
    expect(usage.inputTokens).toBeGreaterThan(100);
  });

  test("an unknown price is counted as free, and told once", async () => {
    await using server = await startServer();
    const warn = vi.fn();
    const chat = await open(server.url, { price: undefined }, { ...testHost(), warn });
    expect((await chat.ask(question, never)).usd).toBe(0);
    await chat.ask(question, never);
    expect(chat.price).toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe("schemas", () => {
  const schema = { name: "names", schema: { type: "object", properties: {}, additionalProperties: false } };
  const asked = { ...question, schema };

  test("an answer that the server held to the schema says so", async () => {
    await using server = await startServer((response) => sendJson(response, completion('{"names": []}')));
    const chat = await open(server.url);
    expect((await chat.ask(asked, never)).structured).toBe(true);
    expect(server.received[0]!.body.response_format).toEqual({
      type: "json_schema",
      json_schema: { ...schema, strict: true },
    });
  });

  test("an answer that is no JSON was not held to it", async () => {
    await using server = await startServer();
    expect((await (await open(server.url)).ask(asked, never)).structured).toBe(false);
  });

  const refusing = () =>
    startServer((response, { body }) =>
      "response_format" in body
        ? sendJson(response, { error: { message: "unknown field response_format" } }, 400)
        : sendJson(response, completion("yes")),
    );

  test("auto does without where the server refuses it, and does not ask again", async () => {
    await using server = await refusing();
    const warn = vi.fn();
    const chat = await open(server.url, {}, { ...testHost(), warn });
    for (let i = 0; i < 2; i++) expect(await chat.ask(asked, never)).toMatchObject({ text: "yes", structured: false });
    expect(server.received.map(({ body }) => "response_format" in body)).toEqual([true, false, false]);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test("on insists, off never asks for it", async () => {
    await using server = await refusing();
    const on = await open(server.url, { structured: "on" });
    expect((await faultOf(on.ask(asked, never))).code).toBe("CHAT_REFUSED");
    const off = await open(server.url, { structured: "off" });
    expect((await off.ask(asked, never)).text).toBe("yes");
    expect(server.received).toHaveLength(2);
  });
});

describe("failures", () => {
  const failing = async (answering: Parameters<typeof startServer>[0], more: Settings = {}) => {
    await using server = await startServer(answering);
    const chat = await open(server.url, more);
    const fault = await faultOf(chat.ask(question, never));
    expect(server.received, "it sends once").toHaveLength(1);
    await chat.close?.();
    return fault;
  };
  const error = (status: number, body: object = {}, headers = {}) => {
    const sent = { error: { message: "the reason", ...body } };
    return failing((response) => sendJson(response, sent, status, headers));
  };

  test.each([
    [400, "CHAT_REFUSED"],
    [401, "CHAT_REFUSED"],
    [403, "CHAT_REFUSED"],
    [404, "CHAT_REFUSED"],
    [408, "CHAT_FAILED"],
    [422, "CHAT_REFUSED"],
    [429, "CHAT_BUSY"],
    [500, "CHAT_FAILED"],
    [502, "CHAT_FAILED"],
    [503, "CHAT_FAILED"],
    [529, "CHAT_BUSY"],
  ])("status %i is %s", async (status, code) => {
    const fault = await error(status);
    expect(fault.code).toBe(code);
    if (code !== "CHAT_BUSY") expect(fault.details).toMatchObject({ model: "p/m", status, reason: "the reason" });
  });

  test("an account without money is refused, not busy", async () => {
    const fault = await error(429, { code: "insufficient_quota" });
    expect(fault).toMatchObject({ code: "CHAT_REFUSED", details: { status: 429 } });
  });

  test("Retry-After is kept, of any length, also with 503", async () => {
    expect((await error(429, {}, { "retry-after": "86400" })).details).toEqual({ model: "p/m", afterMs: 86_400_000 });
    expect(await error(503, {}, { "retry-after": "2" })).toMatchObject({
      code: "CHAT_BUSY",
      details: { afterMs: 2000 },
    });
    expect((await error(429)).details).toEqual({ model: "p/m", afterMs: null });
  });

  test("a redirect is not followed", async () => {
    await using elsewhere = await startServer();
    const fault = await failing((response) => sendJson(response, {}, 307, { location: elsewhere.url }));
    expect(fault).toMatchObject({ code: "CHAT_REFUSED", details: { status: 307 } });
    expect(fault.message).toContain(elsewhere.url);
    expect(elsewhere.received).toHaveLength(0);
  });

  test.each([
    ["HTML", "text/html", "<html>"],
    ["half of a JSON", "application/json", '{"choices": ['],
    ["another JSON", "application/json", '{"object": "list"}'],
    ["nothing", "application/json", ""],
    ["an answer without text", "application/json", JSON.stringify(completion(""))],
  ])("%s is garbled", async (_, type, body) => {
    const fault = await failing((response) => response.writeHead(200, { "content-type": type }).end(body));
    expect(fault.code).toBe("CHAT_GARBLED");
  });

  test("a body without end is cut off, also one that is small until it is unpacked", async () => {
    const endless = await failing(
      (response) => {
        const write = () => {
          while (response.write(Buffer.alloc(65_536, " ")));
        };
        response.writeHead(200, { "content-type": "application/json" }).on("drain", write);
        write();
      },
      { maxBytes: 100_000 },
    );
    expect(endless).toMatchObject({ code: "CHAT_GARBLED", details: { reason: "it is longer than maxBytes 100000" } });
    const packed = gzipSync(Buffer.alloc(10_000_000, " "));
    const headers = { "content-type": "application/json", "content-encoding": "gzip" };
    expect((await failing((response) => response.writeHead(200, headers).end(packed))).code).toBe("CHAT_GARBLED");
  });

  test("a server that hangs up, and one that is not there", async () => {
    const reset = await failing((response) => response.destroy());
    expect(reset).toMatchObject({ code: "CHAT_UNREACHABLE", details: { sent: true } });
    const half = await failing((response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write("{", () => response.destroy());
    });
    expect(half).toMatchObject({ code: "CHAT_UNREACHABLE", details: { sent: true } });
    const gone = await startServer();
    await gone.close();
    const fault = await faultOf((await open(gone.url)).ask(question, never));
    expect(fault).toMatchObject({ code: "CHAT_UNREACHABLE", details: { reason: "ECONNREFUSED", sent: false } });
  });

  test("a server that says nothing, or stops in the middle, is left at the time limit or the deadline", async () => {
    const silent = await failing(() => {}, { timeoutMs: 50 });
    expect(silent).toMatchObject({ code: "CHAT_TIMEOUT", details: { afterMs: 50 } });
    await using server = await startServer((response) =>
      response.writeHead(200, { "content-type": "application/json" }).write("{"),
    );
    const chat = await open(server.url);
    const fault = await faultOf(chat.ask({ ...question, deadline: performance.now() + 60 }, never));
    expect(fault.code).toBe("CHAT_TIMEOUT");
  });

  test("an aborted call ends with the reason of its signal", async () => {
    await using server = await startServer(() => {});
    const chat = await open(server.url);
    const controller = new AbortController();
    const call = chat.ask(question, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 30);
    await expect(call).rejects.toThrow("enough");
    await expect(chat.ask(question, controller.signal)).rejects.toThrow("enough");
    expect(server.received).toHaveLength(1);
  });

  test("a key that a server says back is not shown", async () => {
    const sent = { error: { message: "no such key: sk-secret" } };
    const fault = await failing((response) => sendJson(response, sent, 401), { apiKey: "sk-secret" });
    expect(fault.message).not.toContain("sk-secret");
  });
});

describe("Retry-After", () => {
  const of = (headers: Record<string, string>) =>
    retryAfterMs(new Headers(headers), Date.parse("2026-01-01T00:00:00Z"));
  test.each([
    [{ "retry-after": "3600" }, 3_600_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "31536000" }, 31_536_000_000],
    [{ "retry-after": "Thu, 01 Jan 2026 01:00:00 GMT" }, 3_600_000],
    [{ "retry-after": "Wed, 31 Dec 2025 23:00:00 GMT" }, 0],
    [{ "retry-after": "20", "retry-after-ms": "1500" }, 1500],
    [{ "retry-after": "soon" }, null],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "-5" }, null],
    [{}, null],
  ])("%j is %s ms", (headers, ms) => expect(of(headers as Record<string, string>)).toBe(ms));
});

describe("options", () => {
  const problem = (given: object) => plugin.options.safeParse({ model: "m", ...given }).error?.issues[0];
  test("a key goes over https only, except to this machine", () => {
    expect(problem({ baseURL: "http://llm.example/v1", apiKey: "k" })?.path).toEqual(["baseURL"]);
    expect(problem({ baseURL: "http://127.0.0.1:8000/v1", apiKey: "k" })).toBeUndefined();
    expect(problem({ baseURL: "http://llm.example/v1" })).toBeUndefined();
  });
  test("extra fields may not change what comes back, or what it costs", () => {
    const baseURL = "http://127.0.0.1/v1";
    expect(problem({ baseURL, extra: { reasoning_effort: "minimal" } })).toBeUndefined();
    for (const field of ["n", "model", "stream", "service_tier"])
      expect(problem({ baseURL, extra: { [field]: 2 } })?.path).toEqual(["extra"]);
  });
  test("a price of one's own says what images cost, where they are sent", () => {
    const given = { baseURL: "http://127.0.0.1/v1", takesImages: true };
    expect(problem({ ...given, price: { inputUsd: 1, outputUsd: 1 } })?.path).toEqual(["price"]);
    expect(problem({ ...given, price: { inputUsd: 0, outputUsd: 0 } })).toBeUndefined();
  });
  test("OpenAI itself wants a key", () => expect(problem({})?.path).toEqual(["apiKey"]));
  test("an address with a password is refused", () =>
    expect(problem({ baseURL: "https://a:b@llm.example/v1" })?.path).toEqual(["baseURL"]));
});
