import type { Cluster, PartitionAssigner, Broker as PublicBroker } from "kafkajs";
import type { Position } from "starling-ner";

/** The generation that a join answers with is in no event of the client. */
type Broker = PublicBroker & {
  joinGroup(request: { readonly groupId: string }): Promise<{ readonly generationId: number }>;
  findGroupCoordinator(request: { readonly groupId: string }): Promise<unknown>;
};

type AskedCluster = Cluster & { findControllerBroker(): Promise<unknown> };

/** Commits of a group's offsets, each in the name of one generation. */
export interface Commits {
  /** `inner`, for the consumer whose commits these are. */
  watching(inner: PartitionAssigner): PartitionAssigner;
  /** That of the join before, as `GROUP_JOIN` is told. */
  readonly generation: number;
  /**
   * Sent once, and at once where the coordinator is known, so that a join that follows finds it done. The coordinator
   * refuses it when the group has moved on to another generation.
   */
  commit(group: string, member: string, generation: number, positions: readonly Position[]): Promise<void>;
}

/**
 * The client's own commit is of no use here: it tries again, and then in the name of whatever generation has come since,
 * for partitions that have gone to others; and the broker takes it. The one place where the client shows its cluster is
 * the assigner, which all of them ask for.
 */
export function createCommits(): Commits {
  let cluster: Cluster | undefined;
  let coordinator: Broker | undefined;
  let generation = -1;
  const tapped = new WeakSet<Broker>();

  const tap = (broker: Broker): Broker => {
    if (tapped.has(broker)) return broker;
    tapped.add(broker);
    const join = broker.joinGroup.bind(broker);
    broker.joinGroup = async (request) => {
      const answer = await join(request);
      generation = answer.generationId;
      return answer;
    };
    return broker;
  };
  return {
    watching: (inner) => (config) => {
      cluster = config.cluster;
      const find = cluster.findGroupCoordinator.bind(cluster);
      cluster.findGroupCoordinator = async (group) => {
        try {
          coordinator = tap((await find(group)) as Broker);
        } catch (error) {
          await askOne(cluster!, group);
          throw error;
        }
        return coordinator;
      };
      return inner(config);
    },
    get generation() {
      return generation;
    },
    async commit(groupId, memberId, groupGenerationId, positions) {
      if (!coordinator?.isConnected()) coordinator = (await cluster!.findGroupCoordinator({ groupId })) as Broker;
      try {
        await coordinator.offsetCommit({
          groupId,
          memberId,
          groupGenerationId,
          topics: offsetsByTopic(positions, memberId),
        });
      } catch (error) {
        coordinator = undefined;
        throw error;
      }
    },
  };
}

/** When the client finds no coordinator, it does not say why; a broker that is asked itself does, by its error. */
async function askOne(cluster: Cluster, group: { readonly groupId: string }): Promise<void> {
  const any = (await (cluster as AskedCluster).findControllerBroker().catch(() => undefined)) as Broker | undefined;
  await any?.findGroupCoordinator(group).catch((error: Error & { readonly type?: string }) => {
    if (error.type === "GROUP_AUTHORIZATION_FAILED") throw error;
  });
}

/** As commits and transactions want them; `note` stands beside each offset. */
export function offsetsByTopic(positions: readonly Position[], note: string) {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>();
  for (const { topic, partition, offset } of positions) {
    const list = topics.get(topic) ?? [];
    list.push({ partition, offset: String(offset), metadata: note });
    topics.set(topic, list);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
