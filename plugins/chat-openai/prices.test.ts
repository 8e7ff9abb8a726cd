import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testHost } from "starling-ner/testing";
import { expect, test } from "vitest";
import plugin from "./index.ts";
import { priceOf, pricesFile, readPrices } from "./prices.ts";

const options = (given: object) => plugin.options.parse({ model: "m", baseURL: "http://127.0.0.1/v1", ...given });
const ofPackage = pricesFile(options({}), testHost());

test("the package's own prices have a day, sources and sane numbers", async () => {
  const { date, sources, models } = await readPrices(ofPackage);
  expect(Date.parse(date)).toBeLessThan(Date.now());
  expect(sources.length).toBeGreaterThan(0);
  for (const [model, { inputUsd, outputUsd, imageTokens }] of Object.entries(models)) {
    expect(model).toMatch(/^openai\//);
    expect(outputUsd).toBeGreaterThan(inputUsd);
    expect(imageTokens).toBeGreaterThan(1000);
  }
});

test("a dated model costs what the model does; an unknown one is unknown; the option wins", async () => {
  const mini = await priceOf(options({}), "openai/gpt-4o-mini", ofPackage);
  expect(mini).toMatchObject({ inputUsd: 0.15, outputUsd: 0.6, batchShare: 0.5 });
  expect(await priceOf(options({}), "openai/gpt-4o-mini-2024-07-18", ofPackage)).toEqual(mini);
  expect(await priceOf(options({}), "openai/gpt-4o-minimal", ofPackage)).toBeUndefined();
  const price = { inputUsd: 0, outputUsd: 0 };
  expect(await priceOf(options({ price }), "openai/gpt-4o-mini", "nowhere")).toEqual({
    ...price,
    imageTokens: 0,
    batchShare: 1,
  });
});

test("a file that is missing, or says something else, is told before anything opens", async () => {
  const folder = await mkdtemp(join(tmpdir(), "starling-prices-"));
  try {
    const host = { ...testHost(), reads: () => {}, writes: () => {} };
    const prices = join(folder, "prices.yaml");
    const found = await plugin.check!(options({ prices }), host);
    expect(found[0]).toMatchObject({ option: ["prices"], error: { code: "PRICES_UNREADABLE" } });
    await writeFile(prices, "date: 2026-01-01\nsources: [a]\nmodels: { x: { input: 1 } }\n");
    const [wrong] = await plugin.check!(options({ prices }), host);
    expect(wrong!.error.message).toContain("models.x");
    await writeFile(prices, "date: 2026-01-01\nsources: [a]\nmodels: { x: { inputUsd: 1, outputUsd: 2 } }\n");
    expect(await plugin.check!(options({ prices }), host)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
