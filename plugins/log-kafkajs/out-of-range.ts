import type { Cluster } from "kafkajs";
import OffsetManagerClass from "kafkajs/src/consumer/offsetManager/index.js";
import type { Partition, Position } from "starling-ner";

/** The part of the client's book of offsets that is exchanged here. */
export interface OffsetManager {
  readonly cluster: Cluster;
  /** Where the next fetch begins. */
  nextOffset(topic: string, partition: number): { toString(): string };
  setDefaultOffset(partition: Partition): Promise<void>;
}

/** By the cluster that a consumer has for itself alone. */
const listeners = new WeakMap<Cluster, (refused: Position) => void>();

/** `listener` is told where the log has no such offset; it says whence to read, or that nothing is to be read. */
export const onOutOfRange = (cluster: Cluster, listener: (refused: Position) => void): void =>
  void listeners.set(cluster, listener);

/**
 * Where a fetch is out of range the client commits -2 for the group, whoever may commit, and reads from the beginning
 * without a word. Now it commits nothing, and tells the consumer.
 */
export function mendOutOfRange(): void {
  const offsets = OffsetManagerClass.prototype;
  if (typeof offsets.setDefaultOffset !== "function") throw new TypeError("kafkajs has no offsets to mend");
  offsets.setDefaultOffset = async function setDefaultOffset(this: OffsetManager, { topic, partition }: Partition) {
    const offset = Number(this.nextOffset(topic, partition).toString());
    listeners.get(this.cluster)?.({ topic, partition, offset });
  };
}
