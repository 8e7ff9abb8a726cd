import kafkajs, { type PartitionAssigner } from "kafkajs";

const { AssignerProtocol } = kafkajs;

/**
 * Deals partitions out evenly and leaves as many as it can where they are: what moves to another worker is read again
 * from the last commit. Each member says what it holds; the leader of the group decides.
 */
export const sticky =
  (held: () => Readonly<Record<string, number[]>>): PartitionAssigner =>
  ({ cluster }) => ({
    name: "StarlingStickyAssigner",
    version: 0,
    protocol: ({ topics }) => ({
      name: "StarlingStickyAssigner",
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: 0,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),
    async assign({ members, topics }) {
      const partitions = topics.flatMap((topic) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => `${topic}/${partitionId}`),
      );
      const holds = new Map(members.map(({ memberId, memberMetadata }) => [memberId, holdingsOf(memberMetadata)]));
      return [...deal(partitions, holds)].map(([memberId, own]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment: byTopic(own),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });

/** Nobody holds more than one partition more than another; what a member held it keeps, up to its share. */
export function deal(
  partitions: readonly string[],
  holds: ReadonlyMap<string, readonly string[]>,
): Map<string, string[]> {
  const members = [...holds.keys()].sort();
  const least = Math.floor(partitions.length / members.length);
  let extra = partitions.length % members.length;
  const free = new Set(partitions.toSorted(inOrder));
  const dealt = new Map<string, string[]>(members.map((member) => [member, []]));
  // Those who hold most come first: the places above the least are theirs.
  for (const member of members.toSorted((a, b) => holds.get(b)!.length - holds.get(a)!.length)) {
    const kept = holds.get(member)!.filter((partition) => free.has(partition));
    const share = kept.length > least && extra > 0 ? least + 1 : least;
    if (share > least) extra--;
    for (const partition of kept.slice(0, share)) {
      dealt.get(member)!.push(partition);
      free.delete(partition);
    }
  }
  for (const partition of free) {
    const poorest = members.reduce((a, b) => (dealt.get(b)!.length < dealt.get(a)!.length ? b : a));
    dealt.get(poorest)!.push(partition);
  }
  return dealt;
}

const inOrder = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

/** What a member that says nothing, or something else, holds is nothing. */
function holdingsOf(metadata: Buffer): string[] {
  try {
    const { userData } = AssignerProtocol.MemberMetadata.decode(metadata)!;
    const held = JSON.parse(userData.toString()) as Record<string, number[]>;
    return Object.entries(held).flatMap(([topic, list]) => list.map((partition) => `${topic}/${partition}`));
  } catch {
    return [];
  }
}

function byTopic(partitions: readonly string[]): Record<string, number[]> {
  const topics: Record<string, number[]> = {};
  for (const one of partitions) {
    const cut = one.lastIndexOf("/");
    const topic = one.slice(0, cut);
    topics[topic] ??= [];
    topics[topic].push(Number(one.slice(cut + 1)));
  }
  return topics;
}
