export { type HttpConfig, httpSchema } from "./config.ts";
export { createProbes, type Probes } from "./probes.ts";
export { json, type Page, type Routes, type Server, startServer } from "./server.ts";
