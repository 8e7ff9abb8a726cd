import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { event, feedback, unreferenced, watched } from "../../src/drift/made.test-help.ts";
import { reportPage } from "../../src/drift/page.ts";
import { noBrowser, openBrowser } from "../browser/chromium.ts";
import { freshFolder } from "./starling.ts";

const hostile = `"</script><img src=x onerror="document.title='broken'">`;

describe.skipIf(noBrowser)(`the report in a browser${noBrowser ? ` (${noBrowser})` : ""}`, { timeout: 60_000 }, () => {
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);
  afterAll(() => browser?.close());

  async function shown(html: string) {
    const path = join(freshFolder(), "drift.html");
    writeFileSync(path, html);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("request", (request) => request.url().startsWith("file:") || complaints.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector("body[data-drawn=yes]");
    return { page, complaints };
  }

  /** Pixels that are not blank, of the canvas of a plot. */
  const ink = (id: string) => `(() => {
    const canvas = document.querySelector("#${id} canvas");
    if (canvas === null) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++;
    return count;
  })()`;

  test("draws its plots by itself, asks nobody for anything, and shows hostile names as text", async () => {
    const types = { feature: "types", buckets: ["LOC", "PER", "other"], shares: [0.5, 0.5, 0], counted: 1e5 } as const;
    const reference = { ...unreferenced, version: "m-2", f1: { all: 0.9 }, population: [types] };
    const at = watched({ section: { support: 50, every: 50, population: { posts: 200 } }, reference });
    const posts = Array.from({ length: 400 }, (_, i) => ({ key: `k${i}`, postId: `p${i}`, model: hostile }));
    at.labels(...posts.map(({ key }) => feedback({ key })));
    at.events(...posts.map((post) => event({ ...post, entities: event().entities.slice(0, 1) })));
    const { page, complaints } = await shown(await reportPage(at.watch.tell()));
    expect(complaints).toEqual([]);
    expect(await page.title()).toBe(`Drift of ${hostile}`);
    expect(await page.locator("h1").textContent()).toBe(`Drift of ${hostile}`);
    for (const id of ["f1", "drift", "types"]) expect(await page.evaluate(ink(id)), id).toBeGreaterThan(2000);
    expect(await page.locator("#disagreement").textContent()).toBe("Too few posts to plot.");
    expect(await page.locator(".alarms").textContent()).toContain("types: ");
    expect(
      await page
        .locator("details.drifted .bar.is")
        .last()
        .evaluate((bar) => bar.getBoundingClientRect().width),
    ).toBeGreaterThan(100);
  });

  test("of nothing says so", async () => {
    const { page, complaints } = await shown(await reportPage(watched().watch.tell()));
    expect(complaints).toEqual([]);
    expect(await page.locator("body").textContent()).toContain("Nothing to tell yet.");
    expect(await page.locator("canvas").count()).toBe(0);
  });
});
