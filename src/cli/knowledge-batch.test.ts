import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test, vi } from "vitest";
import { ended, ndjson, record, recorded, startRecord } from "./knowledge.test-help.ts";
import { knowledgeTests, manyPosts, picture, posts } from "./knowledge-set-up.test-help.ts";

const { place, write, output, asked, llm, setUp } = knowledgeTests();
const memory = () => `${output()}.batches`;
const dear = "{ inputUsd: 100, outputUsd: 100, imageTokens: 100, batchShare: 0.5 }";
// At worst a question costs about 0.18 USD by these prices, as a rule 0.03.
const many = manyPosts(12);
const worstOf = (told: string) => [...told.matchAll(/at most ([\d.]+) USD$/gm)].map(([, amount]) => Number(amount));
const budget = ", budget: { usdPerDay: 1, file: spend.db }";
/** What the guard's budget has written down. */
function spent() {
  const db = new DatabaseSync(place("spend.db"), { readOnly: true });
  try {
    const nano = (table: string) => db.prepare(`SELECT sum(nano) AS nano FROM ${table}`).get()?.nano;
    return { usd: Number(nano("spending")) / 1e9, heldUsd: Number(nano("held")) / 1e9 };
  } finally {
    db.close();
  }
}
const ids = () => recorded(output()).map(({ id }) => id);
const usd = () => recorded(output()).reduce((sum, one) => sum + one.usd, 0);

test("asks all questions by one batch, at its price, and tells the cost before", async () => {
  const args = await setUp({}, { guard: budget });
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("3 of 3 recorded, 3 requests, 0.00")]);
  expect(told).toMatch(/^3 posts to record: about 3 requests to .*, about 0\.00\d+ USD, at most 0\.0\d+ USD/);
  expect(told).toMatch(/^batch_dev_1: 3 questions to .*\/dev, at most 0\.00\d+ USD$/m);
  expect(told).toMatch(/^batch_dev_1 ended as completed: 3 answers, 0 without, 0\.00\d+ USD$/m);
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });
  expect(ids().sort()).toEqual(["1", "2", "3"]);
  expect(recorded(output())[0]?.knowledge).toMatch(/^Named entities:1\. Nora Winter/);
  const half = (0.5 * (llm().counts.inputTokens * 1 + llm().counts.outputTokens * 2)) / 1e6;
  expect(usd()).toBeCloseTo(half, 9);
  expect(spent().usd).toBeCloseTo(half, 8);
  expect(spent().heldUsd).toBe(0);
  expect(existsSync(memory())).toBe(false);
}, 60_000);

test("killed while it waits, it goes on with the same batch, and nothing is paid twice", async () => {
  const args = await setUp({ batchMs: 6000 }, { guard: budget });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGKILL");
  await end;
  expect(spent().heldUsd).toBeGreaterThan(0);

  const without = await record(...args);
  expect([without.code, without.told]).toEqual([2, expect.stringContaining("remembers batches")]);
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("batch_dev_1 was begun before: waiting for it")]);
  expect(told).toContain("3 of 3 recorded");
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });
  expect(spent()).toEqual({ usd: expect.closeTo(usd(), 8), heldUsd: 0 });
}, 90_000);

test("two at once into one output: the second is refused, and nothing is paid twice", async () => {
  const args = await setUp({ batchMs: 5000 }, { guard: budget });
  const first = record(...args, "--batch", "always");
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"keys"'), 30_000);
  for (const more of [["--batch", "always"], []]) {
    const { code, told } = await record(...args, ...more);
    expect([code, told]).toEqual([2, expect.stringContaining(`another run records into ${output()}`)]);
  }
  expect(spent().heldUsd).toBeGreaterThan(0);
  // An estimate asks nobody, and says what is under way.
  const { code, told } = await record(...args, "--batch", "always", "--estimate");
  expect([code, told]).toEqual([
    0,
    "3 posts to record (about 3 questions answered or under way), nothing more is asked\n",
  ]);
  expect(await first).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });
  expect(spent()).toEqual({ usd: expect.closeTo(usd(), 8), heldUsd: 0 });
}, 90_000);

test("what is under way does not count against --max-usd when it goes on", async () => {
  const args = await setUp({ batchMs: 4000 }, { price: dear, posts: many });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGINT");
  expect((await end).told).toMatch(/It is paid for, at most \d\.\d+ USD also where .*k\.ndjson\.batches is deleted/);
  const more = [...many, { id: "new", text: "Nora Winter once more" }];
  write("posts.ndjson", ndjson(more));
  const { code, told } = await record(...args, "--batch", "always", "--max-usd", "0.3", "--limit", "12");
  expect([code, told]).toEqual([0, expect.stringContaining("12 of 12 recorded")]);
  expect(told).toMatch(/^12 posts to record \(about 12 questions answered or under way\), nothing more is asked$/m);
  expect(llm().counts).toMatchObject({ batches: 1, requests: 12 });
}, 90_000);

test("with --limit the file keeps the answers to the posts after, which the next run takes", async () => {
  const args = await setUp({ batchMs: 3000 });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGKILL");
  await end;
  expect((await record(...args, "--batch", "always", "--limit", "1")).told).toContain("1 of 1 recorded");
  expect(existsSync(memory())).toBe(true);
  expect((await record(...args, "--batch", "always")).told).toContain("2 of 2 recorded");
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });
  expect(existsSync(memory())).toBe(false);
}, 90_000);

test("a batch under way is read, and its money set right, also where all posts were recorded meanwhile", async () => {
  const args = await setUp({ batchMs: 3000 }, { guard: budget });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGKILL");
  await end;
  const line = { schema: "starling.knowledge/1", knowledge: "Named entities:none", names: [], source: "me", usd: 0 };
  write("k.ndjson", ndjson(posts.map((post) => ({ ...line, ...post }))));
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("batch_dev_1 ended as completed: 3 answers")]);
  const half = (0.5 * (llm().counts.inputTokens + 2 * llm().counts.outputTokens)) / 1e6;
  expect(spent()).toEqual({ usd: expect.closeTo(half, 8), heldUsd: 0 });
  expect(existsSync(memory())).toBe(false);
}, 90_000);

test("an estimate leaves out what a guard's cache has", async () => {
  const args = await setUp({}, { guard: ", cache: { file: answers.db }" });
  expect((await record(...args)).code).toBe(0);
  const elsewhere = [...args.slice(0, -1), place("other.ndjson")];
  const { told } = await record(...elsewhere, "--estimate");
  expect(told).toBe("3 posts to record (about 3 questions answered or under way), nothing more is asked\n");
  expect(existsSync(place("other.ndjson"))).toBe(false);
}, 60_000);

test("killed at any moment, again and again: each question is asked once, and booked once", async () => {
  const args = await setUp({ batchMs: 300 }, { guard: budget, posts: many });
  const begun = performance.now();
  // One run to know how long it takes, without asking.
  await record(...args, "--batch", "always", "--estimate");
  const startMs = performance.now() - begun;
  for (let kill = 0; kill < 10; kill++) {
    const child = startRecord(...args, "--batch", "always");
    const end = ended(child);
    // Most of the time is spent until it is ready: the kills go through what follows.
    await new Promise((done) => setTimeout(done, startMs * (0.85 + 0.06 * kill)));
    child.kill("SIGKILL");
    await end;
  }
  expect((await record(...args, "--batch", "always")).code).toBe(0);
  expect(ids().sort()).toEqual(many.map(({ id }) => id).sort());
  expect(llm().counts).toMatchObject({ batches: 1, requests: 12 });
  expect(spent()).toEqual({ usd: expect.closeTo(usd(), 8), heldUsd: 0 });
  expect(existsSync(memory())).toBe(false);
}, 120_000);

test("killed before it knew the batch's id, it finds the batch by its name", async () => {
  const args = await setUp({ batchMs: 4000 }, { guard: budget });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGKILL");
  await end;
  const [intended] = readFileSync(memory(), "utf8").split("\n");
  writeFileSync(memory(), `${intended}\n{"batch":"star`);
  expect((await record(...args, "--batch", "always")).told).toContain("3 of 3 recorded");
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });

  // One that never began is begun anew.
  const again = await setUp({}, { guard: budget });
  writeFileSync(output(), "");
  writeFileSync(
    memory(),
    intended!.replaceAll("starling-", "starling-another-").replaceAll(/127\.0\.0\.1:\d+/g, new URL(llm().url).host) +
      "\n",
  );
  expect((await record(...again, "--batch", "always")).told).toContain("3 of 3 recorded");
  expect(llm().counts).toMatchObject({ batches: 1, requests: 3 });
}, 90_000);

test("stopped while it waits, it says how to go on", async () => {
  const args = await setUp({ batchMs: 60_000 });
  const child = startRecord(...args, "--batch", "always");
  const end = ended(child);
  await vi.waitFor(() => expect(readFileSync(memory(), "utf8")).toContain('"id"'), 30_000);
  child.kill("SIGINT");
  const { code, told } = await end;
  expect([code, told]).toEqual([0, expect.stringContaining("batch_dev_1 goes on at the server; start again")]);
  expect(told).toContain("0 of 3 recorded");
  expect(existsSync(memory())).toBe(true);
}, 60_000);

test("asks again in another batch of what failed or expired; what is refused is told", async () => {
  const args = await setUp({
    script: [
      { when: "farrell", fault: "failed", times: 1 },
      { when: "tired", fault: "expired", times: 1 },
    ],
  });
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("batch_dev_1 ended as expired: 1 answer, 2 without")]);
  expect(told).toContain("batch_dev_2 ended as completed: 2 answers, 0 without");
  expect(told).toContain("3 of 3 recorded");
  expect(asked().length).toBe(5);
}, 60_000);

test("leaves out what is refused, or fails three times, and names the fault", async () => {
  const args = await setUp({
    script: [
      { when: "farrell", fault: "refused" },
      { when: "tired", fault: "failed" },
    ],
  });
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([1, expect.stringContaining("1 of 3 recorded")]);
  expect(told).toMatch(
    /knowledge-chat: (refused 1; knowledge-chat: llm_error 1|llm_error 1; knowledge-chat: refused 1)/,
  );
  expect(told).toMatch(/the last fault was CHAT_(REFUSED|FAILED)/);
  expect(llm().counts.batches).toBe(3);
  expect(existsSync(memory()), "while posts are left").toBe(true);
}, 60_000);

test("while posts are left captions are kept, and not paid twice; what could not be read is asked anew", async () => {
  const stages = "\n  - { use: captioner-chat, options: { model: llm } }";
  const script = [
    { when: "picture shows", answer: "A red bridge at dusk." },
    { when: "Nora", answer: "Hard to say.", times: 1 },
  ];
  const args = await setUp({ script }, { stages, posts: [{ ...posts[0]!, images: [picture()] }, posts[1]!] });
  const first = await record(...args, "--batch", "always");
  expect([first.code, first.told]).toEqual([1, expect.stringContaining("knowledge-chat: unreadable 1")]);
  const second = await record(...args, "--batch", "always");
  expect([second.code, second.told]).toEqual([0, expect.stringContaining("1 of 1 recorded, 1 request,")]);
  const count = (one: string) => asked().filter(({ last }) => last.includes(one)).length;
  expect([count("picture shows"), count("Nora"), asked().length]).toEqual([1, 2, 4]);
  expect(existsSync(memory())).toBe(false);
}, 60_000);

test("a file without anything to lose, as a kill leaves it, holds nobody up", async () => {
  const args = await setUp();
  const lines = [
    { batch: "starling-1", model: "dev", keys: ["a"] },
    { batch: "starling-1", dropped: true },
  ];
  write("k.ndjson.batches", ndjson(lines));
  expect(await record(...args)).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
  expect(existsSync(memory())).toBe(false);
}, 60_000);

test("a batch that somebody cancels is not begun again", async () => {
  const args = await setUp({ batchMs: 60_000 }, { guard: budget });
  const end = record(...args, "--batch", "always");
  await vi.waitFor(() => expect(llm().counts.batches).toBe(1), 30_000);
  await fetch(`${llm().url}/batches/batch_dev_1/cancel`, { method: "POST" });
  const { code, told } = await end;
  expect([code, told]).toEqual([1, expect.stringContaining("ended as cancelled")]);
  expect(told).toContain("the last fault was CHAT_BATCH_ENDED");
  expect(llm().counts.batches).toBe(1);
  expect(spent()).toEqual({ usd: 0, heldUsd: 0 });
}, 60_000);

test("with --limit too the posts of a cancelled batch are asked of again at the next start", async () => {
  const args = [...(await setUp({ batchMs: 60_000 }, { posts: many })), "--batch", "always", "--limit", "4"];
  const end = record(...args);
  await vi.waitFor(() => expect(llm().counts.batches).toBe(1), 30_000);
  await fetch(`${llm().url}/batches/batch_dev_1/cancel`, { method: "POST" });
  expect(await end).toMatchObject({ code: 1, told: expect.stringContaining("0 of 4 recorded") });
  const again = startRecord(...args);
  const endAgain = ended(again);
  await vi.waitFor(() => expect(llm().counts.batches).toBe(2), 30_000);
  again.kill("SIGKILL");
  expect((await endAgain).told).toMatch(/^4 posts to record: about 4 requests to /);
}, 60_000);

/** Stands before a server, and brings half of the lines of each file of answers. */
async function halving(url: string): Promise<string> {
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "GET", headers } = request;
    const type = { "content-type": headers["content-type"] ?? "" };
    const body = method === "POST" ? { body: Buffer.concat(chunks) } : {};
    const got = await fetch(new URL(request.url!, url), { method, headers: type, ...body });
    const text = await got.text();
    const lines = text.split("\n");
    const whole = request.url!.endsWith("/content") ? `${lines.slice(0, lines.length / 2).join("\n")}\n` : text;
    response.writeHead(got.status, { "content-type": got.headers.get("content-type") ?? "" }).end(whole);
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  onTestFinished(async () => {
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
}

test("answers that were lost on their way are booked, and no less than the server bills", async () => {
  const day = ", budget: { usdPerDay: 100, file: spend.db }";
  const args = await setUp({}, { guard: day, price: dear, posts: many, through: halving });
  const { told } = await record(...args, "--batch", "always", "--max-usd", "100");
  expect(told).toMatch(/batch_dev_1 ended as completed: 6 answers, 6 without/);
  const { inputTokens, outputTokens } = llm().counts;
  const billed = (0.5 * 100 * (inputTokens + outputTokens)) / 1e6;
  expect(spent().usd).toBeGreaterThanOrEqual(billed);
  expect(spent().heldUsd).toBe(0);
  // The sum that is told is that of the budget.
  expect(Number(/requests, ([\d.]+) USD/.exec(told)?.[1])).toBeCloseTo(spent().usd, 2);
}, 60_000);

test("a server without batches is told, or asked one by one", async () => {
  const args = await setUp({ batchMs: "none" }, { guard: budget });
  const always = await record(...args, "--batch", "always");
  expect([always.code, always.told]).toEqual([1, expect.stringContaining("takes no batches (its server answers 404)")]);
  expect(asked()).toEqual([]);
  expect(spent()).toEqual({ usd: 0, heldUsd: 0 });
  const auto = await record(...args, "--batch", "auto");
  expect([auto.code, auto.told]).toEqual([0, expect.stringContaining("asking one by one")]);
  expect(auto.told).toContain("3 of 3 recorded");
  expect(existsSync(memory())).toBe(false);
}, 60_000);

test("never sends more than the day's budget may pay at worst: smaller batches follow each other", async () => {
  const args = await setUp({}, { guard: budget, price: dear, posts: many });
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("12 of 12 recorded, 12 requests")]);
  expect(worstOf(told).length).toBeGreaterThan(2);
  expect(Math.max(...worstOf(told))).toBeLessThanOrEqual(1);
  expect(spent()).toEqual({ usd: expect.closeTo(usd(), 6), heldUsd: 0 });
}, 60_000);

test("the same for --max-usd: what is left out then is told", async () => {
  const args = await setUp({}, { price: dear, posts: many });
  const { code, told } = await record(...args, "--batch", "always", "--max-usd", "0.5");
  expect([code, told]).toEqual([1, expect.stringContaining("knowledge-chat: budget")]);
  expect(told).toContain("the last fault was CHAT_OVER_BUDGET");
  expect(Math.max(...worstOf(told))).toBeLessThanOrEqual(0.5);
  expect(usd()).toBeLessThanOrEqual(0.5);
  expect(ids().length).toBeGreaterThan(5);
  expect(ids().length).toBeLessThan(12);
}, 60_000);

test("--max-usd holds too where posts are asked one by one, at the full price", async () => {
  const args = await setUp({ batchMs: "none" }, { price: dear, posts: many });
  const { code, told } = await record(...args, "--batch", "auto", "--max-usd", "0.5");
  expect([code, told]).toEqual([1, expect.stringContaining("knowledge-chat: budget")]);
  expect(usd()).toBeLessThanOrEqual(0.5);
  // A question costs about 0.06 USD by these prices, and 0.36 at worst: less is left than that.
  expect(usd()).toBeGreaterThan(0.13);
}, 60_000);

test("equal questions go out once, and are paid for once", async () => {
  const twice = [posts[0]!, { ...posts[0]!, id: "again" }, posts[1]!];
  const args = await setUp({}, { posts: twice });
  const { code, told } = await record(...args, "--batch", "always");
  expect([code, told]).toEqual([0, expect.stringContaining("3 of 3 recorded, 2 requests")]);
  expect(asked().length).toBe(2);
  expect(usd()).toBeCloseTo((0.5 * (llm().counts.inputTokens + 2 * llm().counts.outputTokens)) / 1e6, 9);
}, 60_000);

test("a captioner's questions come first; the next batch knows the captions", async () => {
  const data = [{ ...posts[0]!, images: [picture()] }, posts[1]!];
  const stages = "\n  - { use: captioner-chat, options: { model: llm } }";
  const args = await setUp(
    { script: [{ when: "picture shows", answer: "A red bridge at dusk." }] },
    { stages, posts: data },
  );
  const { code, told } = await record(...args, "--batch", "always", "--batch-size", "1");
  expect([code, told]).toEqual([0, expect.stringContaining("2 of 2 recorded, 3 requests")]);
  expect(asked().filter(({ images }) => images.length > 0).length).toBe(1);
  expect(asked().find(({ last }) => last.includes("Nora"))!.last).toContain("Aˆredˆbridgeˆatˆdusk");
  expect(asked().length).toBe(3);
}, 60_000);
