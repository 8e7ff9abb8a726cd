import type { startServer as start } from "./server.ts";

export { type HttpConfig, httpSchema } from "./config.ts";
export { json, type Page, type Routes } from "./page.ts";
export { createProbes, type Probes } from "./probes.ts";

/** As in ./server.ts, which is loaded when it is called: fastify takes a moment. */
export const startServer: typeof start = async (...given) => (await import("./server.ts")).startServer(...given);
