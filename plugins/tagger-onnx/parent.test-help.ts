import { writeFileSync } from "node:fs";
import type { EngineSpec } from "./messages.ts";
import { openPool } from "./pool.ts";

// Opens a pool, writes the ids of its processes, and waits to be killed.
const [entry, list] = process.argv.slice(2);
const spec = { source: { kind: "onnx", file: "", pooled: true } } as unknown as EngineSpec;
const pool = await openPool({ entry: entry!, spec, processes: 2, timeoutMs: 1_000, model: "test" });
writeFileSync(list!, pool.pids.join("\n"));
setInterval(() => {}, 1_000);
