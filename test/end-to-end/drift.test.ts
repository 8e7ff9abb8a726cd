import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { EntityEvent } from "starling-ner";
import { describe, expect, test } from "vitest";
import { lockStore } from "../../src/drift/store.ts";
import { freshFolder, plugin, root, starling } from "./starling.ts";

/** Posts of two names each through a real pipeline, and labels that agree with every second name. */
async function recorded(posts = 300) {
  const folder = freshFolder();
  const lines = Array.from({ length: posts }, (_, i) =>
    JSON.stringify({ id: `p${i}`, text: "Ada met Grace", language: "en" }),
  );
  writeFileSync(join(folder, "posts.ndjson"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(folder, "run.yaml"),
    JSON.stringify({
      resources: { tagger: { use: plugin("tiny-tagger") } },
      source: { use: "source-file", options: { path: "posts.ndjson" } },
      stages: [{ use: "draft", batch: 8 }, { use: "final" }],
      sink: { use: "sink-file", options: { path: "events.ndjson", format: "ndjson" } },
      deadLetters: { use: "sink-file", options: { path: "dead.ndjson", format: "ndjson" } },
    }),
  );
  expect(await starling(["run", join(folder, "run.yaml")])).toMatchObject({ code: 0 });
  const events = readFileSync(join(folder, "events.ndjson"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as EntityEvent);
  const feedback = events.map(({ key }) =>
    JSON.stringify({
      schema: "starling.feedback/1",
      key,
      entities: [{ start: 0, end: 3, type: "PER" }],
      labelledAt: new Date().toISOString(),
    }),
  );
  writeFileSync(join(folder, "feedback.ndjson.gz"), gzipSync(`${feedback.join("\n")}\nnot a label\n`));
  const drift = (change: object = {}) => {
    const section = {
      events: { files: ["events.ndjson"] },
      feedback: { files: ["feedback.ndjson.gz"] },
      every: 50,
      ...change,
    };
    writeFileSync(join(folder, "drift.yaml"), JSON.stringify({ drift: section }));
    return join(folder, "drift.yaml");
  };
  return { folder, events, drift };
}

describe("starling drift over files", () => {
  test("joins what a run wrote with what people said of it", async () => {
    const { drift, events } = await recorded();
    expect(events[0]).toMatchObject({
      expected: { correct: 1.5, gold: 2 },
      input: { characters: 13, words: 3, language: "en", images: 0, knowledgeCharacters: 0 },
    });
    const { code, stdout, stderr } = await starling(["drift", drift()]);
    expect([code, stderr]).toEqual([
      0,
      "warning: drift: this is no feedback (where feedback.ndjson.gz:301, reason it is not JSON)\n",
    ]);
    expect(stdout).toContain("300 posts of tiny-1");
    expect(stdout).toContain("F1 labelled, 24h, all, tiny-1: 66.67 (66.67 to 66.67), 300 entities");
    expect(stdout).toContain("F1 estimated, 24h, all, tiny-1: 75.00, 600 entities");
    expect(stdout).toContain("labels: 300 came before their event, 1 invalid, 300 joined; 0 wait now");
    const told = JSON.parse((await starling(["drift", drift(), "--json"])).stdout);
    expect(
      told.history.map(({ posts, labelled }: { posts: number; labelled?: { f1: number } }) => [posts, labelled?.f1]),
    ).toEqual([50, 100, 150, 200, 250, 300].map((posts) => [posts, posts < 200 ? undefined : 0.66667]));
  });

  test("no event that can be read is told as that, after where pages were served", async () => {
    const { folder, drift } = await recorded(1);
    writeFileSync(join(folder, "events.ndjson"), "nonsense\n");
    const config = JSON.parse(readFileSync(drift(), "utf8"));
    writeFileSync(join(folder, "drift.yaml"), JSON.stringify({ http: { port: 0 }, ...config }));
    const { code, stdout, stderr } = await starling(["drift", join(folder, "drift.yaml")]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^no event could be read\n/)]);
    expect(stderr).toMatch(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d* \(.*\/metrics, \/report\)\n/);
    expect(stderr).toContain("warning: drift: this is no event (where events.ndjson:1, reason it is not JSON)\n");
  });

  test("with a store counts nothing twice when it runs again", async () => {
    const { drift } = await recorded();
    const config = drift({ store: "drift.sqlite" });
    for (const said of ["events: 300 kept", "events: 300 repeated"])
      expect(await starling(["drift", config])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(new RegExp(`300 posts of tiny-1[^]*${said}`)),
      });
  });

  test("two on one store do not run side by side", async () => {
    const { drift, folder } = await recorded(1);
    const config = drift({ store: "drift.sqlite" });
    // By another way to the same file.
    symlinkSync(folder, `${folder}-link`);
    const unlock = await lockStore(`${folder}-link/drift.sqlite`);
    const refused = await starling(["drift", config]);
    unlock();
    expect(refused).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /drift\.sqlite cannot be used: another starling drift has it open.*\[DRIFT_STORE\]/,
      ),
    });
    expect(await starling(["drift", config])).toMatchObject({ code: 0 });
    expect(readdirSync(folder).filter((name) => name.includes("lock"))).toEqual([]);
  });

  test("writes a report that stands alone", async () => {
    const { drift, folder } = await recorded();
    const page = join(folder, "page.html");
    const { code, stderr } = await starling(["drift", "report", drift(), "--out", page]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${page} written\n`)]);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("<h1>Drift of tiny-1</h1>");
    expect(html).toContain("uPlot");
  });

  test.each<[string, object, number, string]>([
    ["a file that is not there", { events: { files: ["none.ndjson"] } }, 2, "none.ndjson"],
    ["a model that is not there", { model: "none" }, 2, "none has no manifest.json"],
    ["topics without a store", { events: { topics: ["entities"] } }, 2, "drift reads topics and has no store"],
    ["topics and files at once", { events: { files: ["a"], topics: ["b"] } }, 2, "drift.events"],
    ["a feature that there is not", { population: { ignore: ["colour"] } }, 2, "drift.population.ignore[0]"],
    ["a reference of no model", { reference: { f1: 0.8 } }, 2, "name its folder in drift.model"],
    ["a store below what is no folder", { store: "drift.yaml/drift.sqlite" }, 2, "[DRIFT_STORE]"],
  ])("%s is refused", async (_, change, code, reason) => {
    const { drift } = await recorded(1);
    expect(await starling(["drift", drift(change)])).toMatchObject({ code, stderr: expect.stringContaining(reason) });
  });
});

describe("starling drift over topics", () => {
  const topics = (more: object = {}) => {
    const folder = freshFolder();
    const broker = { use: "log-kafkajs", options: { brokers: "127.0.0.1:1" } };
    const drift = { events: { topics: ["entities"] }, store: "drift.sqlite", ...more };
    writeFileSync(join(folder, "drift.yaml"), JSON.stringify({ resources: { broker }, drift }));
    return join(folder, "drift.yaml");
  };

  test("a report before the first run says so", async () => {
    expect(await starling(["drift", "report", topics()])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        "drift.sqlite cannot be used: it is not there, so starling drift has not run here yet",
      ),
    });
  });

  test("a client that is not there is told where the config names it", async () => {
    const { code, stderr } = await starling(["drift", topics({ client: "brokr" })]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/:1:\d+: drift borrows "brokr".*did you mean "broker"\?/),
    ]);
    expect(stderr).not.toContain("--client");
  });
});

describe("starling drift report --from", () => {
  async function serving(pages: Readonly<Record<string, string>>) {
    const server = createServer(({ url = "" }, response) => {
      response.writeHead(url in pages ? 200 : 404).end(pages[url] ?? "");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const close = () => new Promise<void>((done) => server.close(() => done()));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
  }

  test("a worker's metrics makes a page of what they tell", async () => {
    const metrics = ["predicted", "expected_correct", "expected_gold"].map(
      (name) => `ner_eval_${name}_total{model_version="default-1"} 1000\n`,
    );
    await using worker = await serving({
      "/metrics": `ner_build_info{version="1"} 1\n${metrics.join("")}ner_entities_total{type="PER"} 1000\n`,
    });
    const page = join(freshFolder(), "page.html");
    const model = ["--model", join(root, "models/default")];
    const { code } = await starling(["drift", "report", "--from", worker.url, ...model, "--out", page]);
    expect(code).toBe(0);
    expect(readFileSync(page, "utf8")).toMatch(/types: 0\.\d+, more than 0\.\d+/);
  });

  test("a path in front of the pages is kept, and a page itself may be named", async () => {
    const metrics = 'ner_build_info{version="1"} 1\nner_eval_predicted_total{model_version="m"} 0\n';
    await using worker = await serving({ "/ner/one/metrics": metrics });
    const cwd = freshFolder();
    for (const path of ["/ner/one", "/ner/one/", "/ner/one/metrics"])
      expect(await starling(["drift", "report", "--from", worker.url + path], { cwd })).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("drift.html written"),
      });
    expect(await starling(["drift", "report", "--from", worker.url], { cwd })).toMatchObject({ code: 2 });
  });

  test("something else is refused", async () => {
    await using other = await serving({});
    await using html = await serving({ "/report": "<h1>Sales</h1>" });
    await using json = await serving({ "/report": '{"schema":"starling.drift/1","at":"now"}' });
    await using metrics = await serving({ "/metrics": "go_goroutines 7\n" });
    for (const [args, code, reason] of [
      [["--from", html.url], 2, "it is no report of starling drift; name the address"],
      [["--from", json.url], 2, "it is no report of starling drift (at); name the address"],
      [["--from", metrics.url], 2, "its /metrics are not those of a worker"],
      [["--from", "nowhere"], 2, "nowhere: it is no address such as http://127.0.0.1:8081; name"],
      [["--from", "localhost:8081"], 2, "localhost:8081: it is no address"],
      [["--from", other.url], 2, "it has neither /report nor /metrics"],
      [["--from", "http://127.0.0.1:1"], 2, "http://127.0.0.1:1: it gives no answer ("],
      [[], 2, "a report is of a config or --from a running process"],
    ] as const)
      expect(await starling(["drift", "report", ...args])).toMatchObject({
        code,
        stderr: expect.stringContaining(reason),
      });
  });
});
