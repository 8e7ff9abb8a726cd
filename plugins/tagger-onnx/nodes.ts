import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import { toBatch } from "./batch.ts";
import { feedsOf } from "./feeds.ts";
import type { LoadedModel } from "./load-model.ts";
import { sampleRow } from "./measure.ts";
import type { EngineSpec } from "./messages.ts";
import { create } from "./session.ts";

export interface NodeCount {
  /** Nodes that ran, after ONNX Runtime's fusions. */
  readonly nodes: number;
  /** Those of them that ran on the CPU. */
  readonly onCpu: number;
}

/**
 * Which provider each node runs on: ONNX Runtime tells it only in a profile, so a second session runs once with one.
 * A provider that compiles a subgraph into one node (TensorRT) counts as one node for it.
 */
export async function countNodes(
  model: LoadedModel,
  spec: EngineSpec,
  options: InferenceSession.SessionOptions,
): Promise<NodeCount | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "starling-profile-"));
  try {
    const profiled = { ...options, enableProfiling: true, profileFilePrefix: join(folder, "nodes") };
    const session = await create(model, profiled);
    await session.run(feedsOf(session, toBatch([sampleRow(8)], spec)));
    session.endProfiling();
    await session.release();
    return countEvents(await readProfile(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readProfile(folder: string): Promise<unknown> {
  const file = (await readdir(folder)).at(0);
  return file === undefined ? [] : JSON.parse(await readFile(join(folder, file), "utf8"));
}

/** Counts the nodes of a profile in Chrome's trace format; undefined where it names no provider. */
export function countEvents(profile: unknown): NodeCount | undefined {
  const byName = new Map<string, string>();
  for (const event of Array.isArray(profile) ? profile : []) {
    const { cat, name, args } = event as { cat?: string; name?: string; args?: { provider?: string } };
    if (cat === "Node" && name !== undefined && args?.provider !== undefined) byName.set(name, args.provider);
  }
  if (byName.size === 0) return undefined;
  const onCpu = [...byName.values()].filter((provider) => provider === "CPUExecutionProvider").length;
  return { nodes: byName.size, onCpu };
}
