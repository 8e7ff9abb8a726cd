import { InferenceSession } from "onnxruntime-node";
import type { Batch } from "./batch.ts";
import { feedsOf } from "./feeds.ts";
import { encodeModel } from "./graph/encode.ts";
import type { Graph } from "./graph/graph.ts";

/** Shows what a value of the graph was in one batch. */
export type See = (name: string, seen: Float32Array) => void;

/** Runs an fp32 graph over the batches of a sample, as often as it is asked to, and shows what `values` are in each. */
export interface Probe {
  eachBatch(see: See): Promise<void>;
  close(): Promise<void>;
}

export async function openProbe(graph: Graph, values: readonly string[], batches: readonly Batch[]): Promise<Probe> {
  const model = encodeModel(
    graph,
    values.map((name) => ({ name })),
  );
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  return {
    async eachBatch(see) {
      for (const batch of batches) {
        const outputs = await session.run(feedsOf(session, batch));
        for (const name of values) see(name, outputs[name]!.data as Float32Array);
      }
    },
    close: () => session.release(),
  };
}
