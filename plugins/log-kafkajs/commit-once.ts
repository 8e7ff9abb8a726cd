import type { EachBatchHandler } from "kafkajs";
import RunnerClass from "kafkajs/src/consumer/runner.js";

/** The part of the client's loop that commits. */
export interface Runner {
  readonly eachBatch: EachBatchHandler;
  readonly consumerGroup: { commitOffsets(offsets: unknown): Promise<void> };
  commitOffsets(offsets: unknown): Promise<void> | undefined;
}

const once = new WeakSet<EachBatchHandler>();

/**
 * `consumer.commitOffsets` tries again by itself, and a rebalance between two tries would put an offset under the name of
 * a generation that never saw it. For consumers with this handler it tries once, as the generation of the call. Its
 * sister in the payload of a batch does so by nature, but there is none before the first batch.
 */
export function committingOnce(handler: EachBatchHandler): EachBatchHandler {
  once.add(handler);
  return handler;
}

const { prototype } = RunnerClass;
const { commitOffsets } = prototype;
if (typeof commitOffsets !== "function") throw new TypeError("kafkajs has no runner that commits");
prototype.commitOffsets = function (this: Runner, offsets) {
  return once.has(this.eachBatch) ? this.consumerGroup.commitOffsets(offsets) : commitOffsets.call(this, offsets);
};
