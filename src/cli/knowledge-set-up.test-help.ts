import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { type Asked, type DevLlm, type DevLlmOptions, startDevLlm } from "../dev-llm/index.ts";
import { fixture, ndjson } from "./knowledge.test-help.ts";

export const posts = [
  { id: "1", text: "Nora Winter sings in Cork" },
  { id: "2", text: "so tired" },
  { id: "3", text: "Mo Farrell scores" },
];
export const manyPosts = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: String(i), text: `Nora Winter and post ${i}` }));

/** An image of a post. */
export const picture = () => ({
  bytes: readFileSync(join(import.meta.dirname, "../../examples/pictures/bridge.png"), "base64"),
});

export interface Config {
  readonly price?: string;
  /** More options of the guard. */
  readonly guard?: string;
  /** Stages before the others. */
  readonly stages?: string;
  /** Of the knowledge stage. */
  readonly concurrency?: number;
  readonly deadlineMs?: number;
  readonly posts?: readonly object[];
  /** Stands before the server; the address that the model is asked at. */
  readonly through?: (url: string) => Promise<string>;
}

const priced = "{ inputUsd: 1, outputUsd: 2, imageTokens: 100, batchShare: 0.5 }";

/** A folder and a server of its own for each test of a file; the arguments of `starling knowledge record` for them. */
export function knowledgeTests() {
  let folder = "";
  let llm: DevLlm | undefined;
  let asked: Asked[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "knowledge-"));
    asked = [];
  });
  afterEach(async () => {
    await llm?.close();
    llm = undefined;
  });
  const place = (name: string) => join(folder, name);
  const write = (name: string, text: string): string => {
    writeFileSync(place(name), text);
    return place(name);
  };
  return {
    place,
    write,
    output: () => place("k.ndjson"),
    asked: () => asked,
    llm: () => llm!,
    async setUp(options: DevLlmOptions = {}, config: Config = {}): Promise<string[]> {
      await llm?.close();
      llm = await startDevLlm({ ...options, observe: (one) => asked.push(one) });
      const url = (await config.through?.(llm.url)) ?? llm.url;
      const { price = priced, guard = "", stages = "", concurrency = 2, deadlineMs = 20_000 } = config;
      const pipeline = write(
        "pipeline.yaml",
        `resources:
  tagger: { use: ${fixture("tiny-tagger")} }
  bank: { use: ${fixture("tiny-bank")} }
  openai: { use: chat-openai, options: { model: dev, takesImages: true, baseURL: "${url}", price: ${price} } }
  llm: { use: chat-guard, options: { chat: openai, attempts: 1${guard} } }
stages:${stages}
  - { use: draft }
  - { use: ${fixture("tiny-retriever")} }
  - { use: knowledge-chat, batch: 1, concurrency: ${concurrency}, options: { deadlineMs: ${deadlineMs} } }
  - { use: final }
`,
      );
      return [pipeline, "-d", write("posts.ndjson", ndjson(config.posts ?? posts)), "-o", place("k.ndjson")];
    },
  };
}
