import { resolve } from "node:path";
import type { ConfigText } from "../config/index.ts";
import { parseConfigText } from "../config/index.ts";

export interface ModelChoice {
  /** A folder that `starling train` wrote, or any other that `use` can open. */
  readonly folder: string;
  readonly precision?: string | undefined;
  /** Plugin that opens it. */
  readonly use?: string | undefined;
}

/** The smallest config that scores one model: its tagger, and the stage `final` that a service ends with. */
export function modelConfig({ folder, precision, use = "tagger-onnx" }: ModelChoice): ConfigText {
  const config = {
    resources: { tagger: { use, options: { model: resolve(folder), ...(precision && { precision }) } } },
    stages: [{ use: "final", batch: 64, concurrency: 4, timeoutMs: 3_600_000 }],
  };
  // JSON is YAML; a "${" in the path must stay as it is.
  const text = parseConfigText(JSON.stringify({ ...config, resources: {} }), "evaluate --model", {});
  return { ...text, folder: process.cwd(), value: config, shown: config };
}
