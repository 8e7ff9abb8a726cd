export { type HttpConfig, httpSchema } from "./config.ts";
export { json, type Page, type Routes } from "./page.ts";
export { createProbes, type Probes } from "./probes.ts";
// ./server.ts is imported by whoever serves, when it does: fastify takes a moment to load.
