import { appendFileSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { readCorpus } from "../conll/index.ts";
import { ended, ndjson, record, recorded, startRecord as start } from "./knowledge.test-help.ts";
import { knowledgeTests, manyPosts, picture, posts } from "./knowledge-set-up.test-help.ts";

const { place, write, output, asked, llm, setUp } = knowledgeTests();

describe("starling knowledge record", () => {
  test("tells the cost, asks of each post once, and goes on where it was stopped", async () => {
    const args = await setUp();
    const estimate = await record(...args, "--estimate");
    expect(estimate.told).toMatch(
      /^3 posts to record: about 3 requests to .*\/dev, \d+ \+ 450 tokens, about 0\.00\d+ USD, at most 0\.0\d+ USD without retries\n$/,
    );
    expect(asked()).toEqual([]);
    expect(existsSync(output())).toBe(false);

    const first = await record(...args, "--limit", "2");
    expect(first).toMatchObject({ code: 0, told: expect.stringContaining("2 of 2 recorded, 2 requests, 0.00") });
    expect(
      recorded(output())
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["1", "2"]);
    expect(recorded(output())[0]).toMatchObject({
      schema: "starling.knowledge/1",
      text: "Nora Winter sings in Cork",
      knowledge: expect.stringMatching(/^Named entities:1\. Nora Winter \(person\)2\. Cork/),
      names: [{ text: "Nora Winter", type: "person" }, { text: "Cork" }],
      source: expect.stringMatching(/^knowledge-chat:.*\/dev:pgim-1-/),
      usd: expect.any(Number),
    });

    // What a crash leaves behind.
    appendFileSync(output(), '{"id":"3","knowl');
    const rest = await record(...args);
    expect(rest.told).toContain("1 post to record (2 recorded before)");
    expect(
      recorded(output())
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["1", "2", "3"]);
    expect(asked().length).toBe(3);
    expect((await record(...args)).told).toMatch(/^0 posts to record \(3 recorded before\)/);
  }, 60_000);

  test("reads CoNLL with captions, and makes what training reads", async () => {
    const [pipeline] = await setUp();
    const data = write("train.txt", "IMGID:7\nNora\tB-PER\ncan\tO\n'\tO\nt\tO\n\nIMGID:8\nCork\tB-LOC\n");
    const captions = write("captions.txt", "7.jpg :a red door\n");
    await record(pipeline!, "-d", data, "-o", output(), "--captions", captions);
    expect(
      asked()
        .map(({ last }) => last)
        .join("\n"),
    ).toContain("aˆredˆdoor");
    const corpus = await readCorpus({ path: data, knowledge: output() });
    expect(corpus.samples.map(({ knowledge }) => knowledge)).toEqual([
      expect.stringMatching(/^Named entities:1\. Nora/),
      expect.stringMatching(/^Named entities:1\. Cork/),
    ]);
    expect(corpus.without.knowledge).toBe(0);
  }, 60_000);

  test("leaves out what did not come, says why, and asks again the next time", async () => {
    const args = await setUp({ script: [{ when: "tired", fault: "failed", times: 1 }] });
    write("posts.ndjson", `${ndjson(posts)}{"id":\n`);
    const { code, told } = await record(...args);
    expect([code, told]).toEqual([
      1,
      expect.stringContaining("1 line is no post and is left out (POST_NOT_JSON 1); the first: posts.ndjson line 4"),
    ]);
    expect(told).toMatch(/the last fault was CHAT_FAILED: .* failed with status 500/);
    expect(told).toContain("2 of 3 recorded, 3 requests");
    expect(told).toContain("(knowledge-chat: llm_error 1); start again to ask of the others");
    expect((await record(...args)).code).toBe(0);
    expect(recorded(output()).length).toBe(3);
  }, 60_000);

  test("stops early where the model is gone, and names the fault that opened the circuit", async () => {
    const args = await setUp({ script: [{ fault: "failed" }] }, { posts: manyPosts(200) });
    const { code, told } = await record(...args);
    expect([code, told]).toEqual([1, expect.stringContaining("0 of 200 recorded")]);
    expect(told).toContain("circuit is open");
    expect(told).toMatch(/the last fault was CHAT_FAILED: .* failed with status 500/);
    expect(asked().length).toBeLessThan(20);
  }, 60_000);

  test("at a signal asks no more, and keeps the answers of calls under way", async () => {
    const args = await setUp({ waitMs: 500 }, { posts: manyPosts(100) });
    const child = start(...args);
    const end = ended(child);
    await vi.waitFor(() => expect(asked().length).toBeGreaterThanOrEqual(2), 20_000);
    child.kill("SIGINT");
    const { code, told } = await end;
    expect([code, told]).toEqual([0, expect.stringMatching(/^stopping; (1 call|2 calls) under way$/m)]);
    expect(told).toMatch(/knowledge-chat: stopped \d+/);
    expect(asked().length).toBeLessThanOrEqual(6);
    expect(recorded(output()).length).toBe(asked().length);
  }, 60_000);

  test("refuses to begin, or stops, at --max-usd", async () => {
    const args = await setUp(
      {},
      { price: "{ inputUsd: 1000, outputUsd: 1000, imageTokens: 1 }", posts: manyPosts(200) },
    );
    const refused = await record(...args, "--max-usd", "1");
    expect(refused).toMatchObject({ code: 2, told: expect.stringContaining("are more than --max-usd 1") });
    expect(asked()).toEqual([]);
    const limited = await record(...args, "--limit", "3", "--max-usd", "5");
    expect(limited).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
  }, 60_000);

  test("stops asking once --max-usd is spent, and keeps what it has", async () => {
    const answer = { entities: [], reasoning: "word ".repeat(300), image_relevant: false };
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 0 }";
    const args = await setUp({ script: [{ answer }] }, { price, posts: manyPosts(400) });
    // 60 USD by the estimate of 150 tokens an answer, 160 as it turns out.
    const { code, told } = await record(...args, "--max-usd", "65");
    expect([code, told]).toEqual([0, expect.stringContaining("stopped at --max-usd 65")]);
    const spent = recorded(output()).reduce((sum, { usd }) => sum + usd, 0);
    expect(spent).toBeLessThanOrEqual(65);
    // Less is left than one more answer may cost.
    expect(spent).toBeGreaterThan(64);
    expect(recorded(output()).length).toBeLessThan(400);
    expect(recorded(output()).length).toBe(asked().length);
  }, 60_000);

  test("what a guard's file knows is still recorded once --max-usd is spent, and nothing else is sent", async () => {
    const answer = { entities: [], reasoning: "word ".repeat(300), image_relevant: false };
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 0 }";
    const all = manyPosts(80);
    const args = await setUp({ script: [{ answer }] }, { price, guard: ", cache: { file: answers.db }" });
    write("posts.ndjson", ndjson(all.slice(40)));
    expect((await record(...args.slice(0, -1), place("before.ndjson"))).told).toContain("40 of 40 recorded");
    write("posts.ndjson", ndjson(all));
    // 6 USD by the estimate; each of the unknown ones costs about 0.4.
    const { code, told } = await record(...args, "--max-usd", "6.1");
    expect([code, told]).toEqual([0, expect.stringContaining("stopped at --max-usd 6.1")]);
    const ids = recorded(output()).map(({ id }) => Number(id));
    expect(ids.filter((id) => id >= 40).length).toBe(40);
    expect([ids.length < 80, asked().length]).toEqual([true, ids.length]);
  }, 60_000);

  const stages = "\n  - { use: captioner-chat, options: { model: llm, maxTokens: 1000 } }";

  const pictured = [{ ...posts[0]!, images: [picture()] }, posts[1]!];

  test.each([
    ["fails", "failed", "llm_error", "CHAT_FAILED"],
    ["is denied", { kind: "refused", status: 402 }, "denied", "CHAT_REFUSED"],
  ] as const)(
    "a post whose caption %s waits for another start",
    async (_, fault, reason, last) => {
      const script = [{ when: "picture shows", fault, times: 1 }];
      const args = await setUp(
        { script },
        { stages, posts: pictured, guard: ", circuit: { failures: 9 }", concurrency: 1 },
      );
      const { code, told } = await record(...args);
      expect([code, told]).toEqual([1, expect.stringContaining(`captioner-chat: ${reason} 1`)]);
      expect(told).toContain(`the last fault was ${last}`);
      expect(recorded(output()).map(({ id }) => id)).not.toContain("1");
      expect((await record(...args)).code).toBe(0);
      expect(recorded(output()).length).toBe(2);
      const count = (one: string) => asked().filter(({ last }) => last.includes(one)).length;
      expect([count("picture shows"), count("Nora")], "asked of once, with its caption").toEqual([2, 1]);
    },
    60_000,
  );

  test("one whose picture the model refuses is recorded without a caption, and that is told", async () => {
    const script = [{ when: "picture shows", fault: { kind: "refused", status: 400 } as const }];
    const { code, told } = await record(...(await setUp({ script }, { stages, posts: pictured })));
    expect([code, told]).toEqual([0, expect.stringContaining("2 of 2 recorded, 3 requests")]);
    expect(told).toContain("1 recorded without what a stage before failed to give (captioner-chat: refused 1)");
    expect(told).toContain("the last fault was CHAT_REFUSED");
  }, 60_000);

  test("a caption whose time is over before its turn for the money is asked for again", async () => {
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 1 }";
    const slowly = [{ when: "picture shows" }, { fault: { kind: "slow", waitMs: 700 } as const }];
    const hurried = stages.replace("maxTokens: 1000", "maxTokens: 200, answerMs: 300");
    const all = manyPosts(4).map((post) => ({ ...post, images: [picture()] }));
    const args = await setUp({ script: slowly }, { stages: hurried, price, posts: all, concurrency: 4 });
    const { code, told } = await record(...args, "--max-usd", "3");
    expect([code, told]).toEqual([0, expect.stringContaining("4 of 4 recorded")]);
    expect(told).not.toContain("recorded without");
  }, 60_000);

  test.each([
    ["one by one", { flags: [], code: 0, reason: "stopped" }],
    ["--batch auto, and the server has none", { flags: ["--batch", "auto"], code: 1, reason: "budget" }],
    ["--batch always", { flags: ["--batch", "always"], code: 1, reason: "budget" }],
  ])(
    "a post whose caption --max-usd does not reach for is left out, and not recorded without it: %s",
    async (_, want) => {
      const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 1 }";
      const config = { price, stages, posts: [{ ...posts[0]!, images: [picture()] }] };
      const args = await setUp(want.flags[1] === "auto" ? { batchMs: "none" } : {}, config);
      const { code, told } = await record(...args, "--max-usd", "0.6", ...want.flags);
      expect([code, told]).toEqual([want.code, expect.stringContaining("0 of 1 recorded")]);
      expect(told).toContain(`captioner-chat: ${want.reason} 1`);
      expect(asked()).toEqual([]);
    },
    60_000,
  );

  test("so is one whose caption the guard's budget does not reach for", async () => {
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 1 }";
    const guard = ", budget: { usdPerDay: 0.6, file: spend.db }";
    const args = await setUp({}, { price, guard, stages, posts: [{ ...posts[0]!, images: [picture()] }] });
    const { code, told } = await record(...args);
    expect([code, told]).toEqual([1, expect.stringContaining("captioner-chat: budget 1")]);
    expect(told).toContain("the last fault was CHAT_OVER_BUDGET");
    expect(asked()).toEqual([]);
  }, 60_000);

  test("a stop says that captions of posts without an answer are kept by a guard's file alone", async () => {
    const script = [{ when: "picture shows", answer: "A red bridge.", fault: { kind: "slow" as const, waitMs: 1500 } }];
    const args = await setUp({ script }, { stages, posts: [{ ...posts[0]!, images: [picture()] }] });
    const child = start(...args);
    const end = ended(child);
    await vi.waitFor(() => expect(asked().length).toBe(1), 20_000);
    child.kill("SIGINT");
    expect((await end).told).toMatch(/^captions of posts that are left.* are kept by a guard's cache\.file alone/m);
  }, 60_000);

  test("--max-usd holds with 64 calls at once: what each may cost is put aside before it is sent", async () => {
    const answer = { entities: [], reasoning: "word ".repeat(300), image_relevant: false };
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 0 }";
    const config = { price, concurrency: 64, posts: manyPosts(300) };
    const args = await setUp({ script: [{ answer }], waitMs: 100 }, config);
    // 45 USD by the estimate: it is not refused for that.
    const { code, told } = await record(...args, "--max-usd", "46", "--verbose");
    const billed = llm().counts.outputTokens / 1000;
    expect(billed).toBeLessThanOrEqual(46);
    expect(billed).toBeGreaterThan(45);
    expect([code, told]).toEqual([0, expect.stringContaining("stopped at --max-usd 46")]);
    expect(recorded(output()).length).toBe(asked().length);
  }, 60_000);

  test("calls that fail and are billed all the same count, each try of the guard", async () => {
    // A server that answers nothing, and charges for it.
    const price = "{ inputUsd: 0, outputUsd: 1000, imageTokens: 0 }";
    const config = { price, guard: ", circuit: { failures: 1000 }", concurrency: 8, posts: manyPosts(60) };
    const args = await setUp({ script: [{ fault: "wrong_json" }] }, config);
    args[0] = write("twice.yaml", readFileSync(args[0]!, "utf8").replace("attempts: 1", "attempts: 2, backoffMs: 1"));
    const { code, told } = await record(...args, "--max-usd", "9.5");
    const worst = asked().length * 0.4;
    expect(worst).toBeLessThanOrEqual(9.5);
    expect(worst).toBeGreaterThan(9.1);
    expect([code, told]).toEqual([1, expect.stringContaining(`0 of 60 recorded, ${asked().length} requests, 9.`)]);
  }, 60_000);

  test("a server that wants peace for longer than a post may wait is waited for, and what was sent is counted", async () => {
    const script = [{ fault: { kind: "busy", afterMs: 3000 }, times: 1 } as const];
    const args = await setUp({ script }, { deadlineMs: 1000, posts: manyPosts(40) });
    const { code, told } = await record(...args);
    expect([code, told]).toEqual([0, expect.stringContaining("40 of 40 recorded, 41 requests")]);
    expect(told).toMatch(/dev wants no request for [23] s, until \d\d:\d\d:\d\d: waiting, with \d+ posts to ask of$/m);
    expect(asked().length).toBe(41);
  }, 60_000);

  test("a signal ends that wait; a wait of more than ten minutes is left to another start", async () => {
    const busy = (afterMs: number) => ({ script: [{ fault: { kind: "busy" as const, afterMs } }] });
    const args = await setUp(busy(60_000), { posts: manyPosts(40) });
    const child = start(...args);
    const end = ended(child);
    await vi.waitFor(() => expect(asked().length).toBeGreaterThan(0), 20_000);
    setTimeout(() => child.kill("SIGINT"), 1000);
    expect(await end).toMatchObject({ code: 0, told: expect.stringContaining("0 of 40 recorded") });
    const long = await record(...(await setUp(busy(3_600_000), { posts: manyPosts(40) })));
    expect(long).toMatchObject({ code: 1, told: expect.stringContaining("40 posts wait for another start") });
    expect(asked().length).toBeLessThan(6);
  }, 60_000);

  test.each([
    ["a config without knowledge", "stages: []\n", "gives knowledge"],
    ["a broken config", "stages: [{ use: nothing-like-it }]\n", "nothing-like-it"],
  ])(
    "tells %s",
    async (_, text, message) => {
      const { code, told } = await record(
        write("c.yaml", text),
        "-d",
        write("p.ndjson", ndjson(posts)),
        "-o",
        output(),
      );
      expect([code, told]).toEqual([2, expect.stringContaining(message)]);
    },
    60_000,
  );

  test.each([
    [["--batch-size", "2"], "--batch-size does nothing here"],
    [["--batch-look", "2"], "--batch-look does nothing here"],
    [["--captions", "c.txt"], "--captions does nothing here"],
  ])("refuses flags that nothing heeds: %s", async (flags, message) => {
    const { code, told } = await record(
      write("c.yaml", "stages: []\n"),
      "-d",
      write("p.ndjson", ndjson(posts)),
      "-o",
      output(),
      ...flags,
    );
    expect([code, told]).toEqual([2, expect.stringContaining(message)]);
  });

  test("two at once into one output, also by another name: the second is refused", async () => {
    const args = await setUp({ waitMs: 3000 });
    symlinkSync(write("k.ndjson", ""), place("link.ndjson"));
    const first = record(...args);
    await vi.waitFor(() => expect(asked().length).toBeGreaterThan(0), 20_000);
    const second = await record(...args.slice(0, -1), place("link.ndjson"));
    expect([second.code, second.told]).toEqual([2, expect.stringContaining("another run records into")]);
    expect(await first).toMatchObject({ code: 0, told: expect.stringContaining("3 of 3 recorded") });
    expect(asked().length).toBe(3);
  }, 60_000);

  test("tells an output in a folder that is not there", async () => {
    const args = await setUp();
    const { code, told } = await record(...args.slice(0, -1), place("none/k.ndjson"));
    expect([code, told]).toEqual([1, expect.stringMatching(/cannot write .*none.k\.ndjson: ENOENT/)]);
  }, 60_000);

  test("tells an output that holds something else, and changes nothing in it", async () => {
    const args = await setUp();
    const other = write("other.ndjson", "my notes\n");
    const { code, told } = await record(...args.slice(0, -1), other);
    expect([code, told]).toEqual([2, expect.stringContaining("other.ndjson:1: not JSON")]);
    expect(readFileSync(other, "utf8")).toBe("my notes\n");
  }, 60_000);
});
