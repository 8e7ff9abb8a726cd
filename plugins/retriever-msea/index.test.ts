import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bank, type Caption, type Demonstration, fail, type Tagger, tagInput, type View } from "starling-ner";
import { testHost, testStage } from "starling-ner/testing";
import { afterAll, expect, test, vi } from "vitest";
import { tinyTagger } from "../../test/fixtures/plugins/tiny-tagger.ts";
import { loadLibrary } from "./hnsw.ts";
import retriever from "./index.ts";

const demonstration = (id: string, text: string, caption?: string): Demonstration => ({
  ...{ id, text, answer: "None.", entities: [] },
  ...(caption !== undefined && { caption }),
});
const demonstrations = [
  demonstration("short", "Hi"),
  demonstration("middle", "Adele sings tonight", "a singer on a stage"),
  demonstration("long", "This is a rather long post about nothing that would matter to anyone"),
];

const folder = await mkdtemp(join(tmpdir(), "starling-retriever-"));
afterAll(() => rm(folder, { recursive: true }));

const library = await loadLibrary().then(
  () => true,
  () => false,
);

let banks = 0;
const bankOf = (some: readonly Demonstration[] = demonstrations, fingerprint = "f1"): Bank => ({
  demonstrations: some,
  fingerprint,
  file: join(folder, `${banks++}`, "bank.ndjson"),
  get: (id) => some.find((one) => one.id === id),
});

/** Counts how many posts it was asked for. */
function counted(tagger: Tagger = tinyTagger) {
  const asked = { posts: 0 };
  const tag: Tagger["tag"] = (inputs, signal) => {
    asked.posts += inputs.length;
    return tagger.tag(inputs, signal);
  };
  return { asked, tagger: { model: tagger.model, tag } };
}

const failsOn = (bad: string): Tagger => ({
  model: tinyTagger.model,
  tag: async (inputs, signal) =>
    (await tinyTagger.tag(inputs, signal)).map((outcome, i) =>
      inputs[i]!.words.includes(bad) ? fail(new Error(bad)) : outcome,
    ),
});

const live = new AbortController().signal;
const options = { bank: "bank", tagger: "tagger", n: 2, index: "auto", ef: 128 } as const;
const open = (
  bank: Bank,
  tagger: Tagger = tinyTagger,
  more: Partial<{ n: number; cache: string; index: "hnsw" }> = {},
) => retriever.open({ ...options, ...more }, testHost({ bank, tagger }));

type Given = View<never, "captions" | "feature">;
const view = (text: string, captions?: readonly Caption[], id = text): Given => ({
  post: { id, text },
  facts: captions ? { captions } : {},
});
const stage: Caption = { image: 0, text: "a singer on a stage", source: "test" };
/** As `draft` would leave it. */
async function drafted(given: Given): Promise<Given> {
  const [outcome] = await tinyTagger.tag([tagInput(given)], live);
  if (outcome?.kind !== "ok") throw new Error("the tagger failed");
  return { ...given, facts: { ...given.facts, feature: outcome.value.feature } };
}
async function idsOf(stageOpen: Awaited<ReturnType<typeof open>>, given: Given): Promise<string[]> {
  const [outcome] = await stageOpen.run([given], live);
  return outcome?.kind === "ok" ? outcome.value.neighbours.map(({ id }) => id) : [];
}

testStage({
  test,
  plugin: retriever,
  options: { n: 2 },
  batch: [view("Adele sings"), await drafted(view("nothing here", [stage])), view("x")],
  bad: view("broken post"),
  lend: { bank: bankOf(), tagger: failsOn("broken") },
});

test("gives the nearest demonstrations with their cosine, the nearest first", async () => {
  const [outcome] = await (await open(bankOf())).run([view("Bob sings tonight.", [stage])], live);
  expect(outcome).toMatchObject({ kind: "ok", value: { neighbours: [{ id: "middle" }, { id: expect.any(String) }] } });
  if (outcome?.kind !== "ok") return;
  const [first, second] = outcome.value.neighbours;
  expect(first!.similarity).toBeCloseTo(1, 2);
  expect(first!.similarity).toBeGreaterThan(second!.similarity);
});

test("a post without a picture is compared with texts, one with a caption with texts and captions", async () => {
  const one = await open(bankOf([demonstration("fused", "Adele sings tonight", "a singer on a stage")]));
  const similarity = async (given: Given) => {
    const [outcome] = await one.run([given], live);
    return outcome?.kind === "ok" ? outcome.value.neighbours[0]!.similarity : 0;
  };
  expect(await similarity(view("Adele sang tonight"))).toBeCloseTo(1, 3);
  expect(await similarity(view("Adele sang tonight", [stage]))).toBeCloseTo(1, 3);
});

test("leaves out the post itself, by id, and by text whatever its links, spaces and case", async () => {
  const opened = await open(bankOf(), tinyTagger, { n: 3 });
  expect(await idsOf(opened, view("something", undefined, "middle"))).toEqual(expect.not.arrayContaining(["middle"]));
  expect(await idsOf(opened, view("ADELE sings  tonight https://t.co/x1"))).toEqual(
    expect.not.arrayContaining(["middle"]),
  );
  expect(await idsOf(opened, view("Adele sings tomorrow"))).toHaveLength(3);
});

test("takes the feature of draft where it is of all that is known, and encodes again where it is not", async () => {
  const { asked, tagger } = counted();
  const opened = await open(bankOf(), tagger);
  asked.posts = 0;
  const fitting = await drafted(view("Adele sings", [stage]));
  const quick = opened.quick?.(fitting);
  expect(quick?.kind).toBe("ok");
  expect(await opened.run([fitting], live)).toEqual([quick]);
  expect(asked.posts).toBe(0);
  const textOnly = await drafted(view("Adele sings"));
  const captionedSince: Given = { ...textOnly, facts: { ...textOnly.facts, captions: [stage] } };
  expect(opened.quick?.(captionedSince)).toBeUndefined();
  const otherModel: Given = {
    ...fitting,
    facts: { ...fitting.facts, feature: { ...fitting.facts.feature!, model: "other" } },
  };
  expect(opened.quick?.(otherModel)).toBeUndefined();
  expect(await opened.run([captionedSince, otherModel], live)).toEqual([quick, quick]);
  expect(asked.posts).toBe(2);
});

test("n: 0 gives no neighbours and asks nobody", async () => {
  const opened = await open(bankOf(), tinyTagger, { n: 0 });
  expect(opened.quick?.(view("Adele"))).toEqual({ kind: "ok", value: { neighbours: [] } });
});

test("fails a post whose feature is not a number", async () => {
  const given = await drafted(view("Adele"));
  given.facts.feature!.vector.fill(Number.NaN);
  expect(await (await open(bankOf())).run([given], live)).toMatchObject([
    { kind: "fail", error: { code: "NOT_A_NUMBER" } },
  ]);
});

test.skipIf(!library)("a graph gives the neighbours that comparing all of them gives", async () => {
  const some = Array.from({ length: 60 }, (_, i) => demonstration(`${i}`, `${"word ".repeat(i % 9)}${"x".repeat(i)}`));
  const [exact, graph] = [await open(bankOf(some)), await open(bankOf(some), tinyTagger, { index: "hnsw" })];
  const given = [view("word word xxxxxxxxx"), view("Adele"), view(some[7]!.text)];
  const [wanted, found] = [await exact.run(given, live), await graph.run(given, live)];
  const similarities = (outcomes: typeof found) =>
    outcomes.flatMap((outcome) => (outcome.kind === "ok" ? outcome.value.neighbours.map((one) => one.similarity) : []));
  expect(similarities(found)).toHaveLength(6);
  for (const [i, similarity] of similarities(found).entries())
    expect(similarity).toBeCloseTo(similarities(wanted)[i]!, 5);
  expect(await idsOf(graph, view(some[7]!.text))).not.toContain("7");
});

test("features are made once, and again for another bank or another model", async () => {
  const { asked, tagger } = counted();
  const bank = bankOf();
  const costs = async (some: Bank, version = "tiny-1") => {
    asked.posts = 0;
    await open(some, { ...tagger, model: { ...tagger.model, version } });
    return asked.posts;
  };
  expect(await costs(bank)).toBe(6);
  expect(await costs(bank), "three probes").toBe(3);
  expect(await costs({ ...bank, fingerprint: "f2" })).toBe(6);
  expect(await costs(bank, "tiny-2")).toBe(6);
});

test("stored features that the model would not make any more are made anew", async () => {
  const bank = bankOf();
  await open(bank);
  const turned: Tagger = {
    model: tinyTagger.model,
    tag: async (inputs, signal) =>
      (await tinyTagger.tag(inputs, signal)).map((outcome) => {
        if (outcome.kind === "ok") outcome.value.feature.vector.reverse();
        return outcome;
      }),
  };
  const { asked, tagger } = counted(turned);
  await open(bank, tagger);
  expect(asked.posts).toBe(3 + 6);
});

test("a broken file of features is made anew, and replaced whole", async () => {
  const bank = bankOf();
  await open(bank);
  const file = join(bank.file, "..", "bank.ndjson.tiny-1.features");
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, whole.length - 3));
  await open(bank);
  expect(await readFile(file)).toEqual(whole);
  expect(await readdir(join(bank.file, ".."))).toEqual(["bank.ndjson.tiny-1.features"]);
});

test("features go into the cache folder where one is named", async () => {
  const cache = join(folder, "cache");
  await open(bankOf(), tinyTagger, { cache });
  expect(await readdir(cache)).toEqual(["bank.ndjson.tiny-1.features"]);
});

test("a folder that cannot be written costs nothing but the next opening", async () => {
  const bank = bankOf();
  const readOnly = join(folder, "a-file");
  await writeFile(readOnly, "");
  await chmod(readOnly, 0o400);
  const log = vi.fn();
  const at: Bank = { ...bank, file: join(readOnly, "bank.ndjson") };
  const opened = await retriever.open(options, { ...testHost({ bank: at, tagger: tinyTagger }), log });
  expect(await idsOf(opened, view("Adele sings tomorrow"))).toHaveLength(2);
  expect(log).toHaveBeenCalledWith("features of the bank are not kept", expect.anything());
});

test("declares what it borrows", () => {
  expect(retriever.borrows?.({ ...options })).toMatchObject([
    { port: { name: "bank@1" }, name: "bank" },
    { port: { name: "tagger@1" }, name: "tagger" },
  ]);
});
