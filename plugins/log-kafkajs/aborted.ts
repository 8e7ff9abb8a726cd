import { createRequire } from "node:module";

/** A record as the client decodes it from a fetch. */
export interface Fetched {
  readonly offset: string;
  readonly key: Buffer | null;
  /** Markers of transactions; the client hides them. */
  isControlRecord: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedPartition {
  readonly messages: readonly Fetched[];
  abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
}

const ABORT = Buffer.from([0, 0, 0, 0]);

/**
 * The client hides records of aborted transactions only where the broker lists those in the order of their beginnings,
 * one for each record; but it lists them as they ended, and several may be open at one record. So they are hidden here,
 * as markers are, and the client is told of none.
 */
export function hideAborted(partition: FetchedPartition): void {
  const { abortedTransactions, messages } = partition;
  if (!abortedTransactions?.length) return;
  const begun = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, from: BigInt(firstOffset) }))
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const aborted = new Set<string>();
  let next = 0;
  for (const message of messages) {
    const offset = BigInt(message.offset);
    for (; next < begun.length && begun[next]!.from <= offset; next++) aborted.add(begun[next]!.producerId);
    const { producerId = "", inTransaction = false } = message.batchContext ?? {};
    if (message.isControlRecord) {
      if (message.key !== null && ABORT.equals(message.key)) aborted.delete(producerId);
    } else if (inTransaction && aborted.has(producerId)) message.isControlRecord = true;
  }
  partition.abortedTransactions = [];
}

interface FetchResponse {
  decode(raw: Buffer): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
}

/** Versions of the fetch that know transactions and that the client speaks. */
const VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11];

/** Once for the process: the client's modules are shared. */
export function mendAborted(): void {
  const require = createRequire(import.meta.url);
  for (const version of VERSIONS) {
    const response = require(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`) as FetchResponse & {
      mended?: true;
    };
    if (response.mended) continue;
    const { decode } = response;
    if (typeof decode !== "function") throw new TypeError("kafkajs has no fetch to mend");
    response.mended = true;
    response.decode = async (raw) => {
      const decoded = await decode(raw);
      for (const { partitions } of decoded.responses) partitions.forEach(hideAborted);
      return decoded;
    };
  }
}
