import { getEventListeners } from "node:events";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { exchange } from "./exchange.ts";

test("listens to its signal no longer where undici refuses a request", async () => {
  const dispatcher = new Agent();
  const { signal } = new AbortController();
  const sent = { url: "http://127.0.0.1:1/", method: "PO ST", headers: {}, body: null, signal, maxBytes: 10 };
  await dispatcher.close();
  await expect(exchange(dispatcher, sent)).rejects.toThrow();
  const broken = {
    dispatch: () => {
      throw new TypeError("no");
    },
  } as unknown as Agent;
  await expect(exchange(broken, sent)).rejects.toThrow("no");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
