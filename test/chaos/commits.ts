/**
 * What a broker's own log of groups (the topic __consumer_offsets) says: each offset that was committed, and who held
 * which partition meanwhile. Nobody can commit past it, so it is the witness for "nobody commits what it does not own".
 */
export type GroupRecord =
  | {
      readonly kind: "commit";
      readonly atMs: number;
      readonly group: string;
      readonly partition: string;
      readonly offset: bigint;
      /** What the client wrote beside the offset. */
      readonly metadata: string;
    }
  | {
      readonly kind: "members";
      readonly atMs: number;
      readonly group: string;
      readonly generation: number;
      /** Partitions of each member. */
      readonly members: ReadonlyMap<string, ReadonlySet<string>>;
    };

interface Raw {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
}

/** One record of the topic; undefined for those of other kinds, and where a group or an offset was deleted. */
export function readGroupRecord({ key, value, timestamp }: Raw): GroupRecord | undefined {
  if (key === null || value === null) return undefined;
  const head = reader(key);
  const version = head.int16();
  if (version > 2) return undefined;
  const atMs = Number(timestamp);
  const group = head.string();
  if (version === 2) return { kind: "members", atMs, group, ...membersOf(reader(value)) };
  const partition = `${head.string()}/${head.int32()}`;
  return { kind: "commit", atMs, group, partition, ...committedOf(reader(value)) };
}

function committedOf(from: Reader): { offset: bigint; metadata: string } {
  const version = from.int16();
  const offset = from.int64();
  if (version >= 3) from.int32(); // the leader's epoch
  return { offset, metadata: version >= 4 ? from.compactString() : from.string() };
}

function membersOf(from: Reader): { generation: number; members: Map<string, Set<string>> } {
  const version = from.int16();
  const compact = version >= 4;
  const string = () => (compact ? from.compactString() : from.string());
  const bytes = () => (compact ? from.compactBytes() : from.bytes());
  string(); // the protocol's type
  const generation = from.int32();
  string(); // the protocol
  string(); // the leader
  if (version >= 2) from.int64(); // since when
  const count = compact ? from.varint() - 1 : from.int32();
  const members = new Map<string, Set<string>>();
  for (let i = 0; i < count; i++) {
    const id = string();
    if (version >= 3) string(); // the static id
    string(); // the client's id
    string(); // and its host
    if (version >= 1) from.int32(); // time for a rebalance
    from.int32(); // and for a session
    bytes(); // what it subscribed to
    members.set(id, assignmentOf(bytes()));
    if (compact) from.varint(); // tagged fields
  }
  return { generation, members };
}

function assignmentOf(bytes: Buffer): Set<string> {
  const partitions = new Set<string>();
  if (bytes.length === 0) return partitions;
  const from = reader(bytes);
  from.int16();
  for (let topics = from.int32(); topics > 0; topics--) {
    const topic = from.string();
    for (let left = from.int32(); left > 0; left--) partitions.add(`${topic}/${from.int32()}`);
  }
  return partitions;
}

type Reader = ReturnType<typeof reader>;

function reader(buffer: Buffer) {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return buffer.subarray(at - length, at);
  };
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const text = (length: number) => (length < 0 ? "" : take(length).toString());
  return {
    int16: () => take(2).readInt16BE(),
    int32: () => take(4).readInt32BE(),
    int64: () => take(8).readBigInt64BE(),
    varint,
    string: () => text(take(2).readInt16BE()),
    bytes: () => take(Math.max(0, take(4).readInt32BE())),
    compactString: () => text(varint() - 1),
    compactBytes: () => take(Math.max(0, varint() - 1)),
  };
}

export interface Conduct {
  readonly commits: number;
  /** Commits of a partition that its member did not hold; null where commits do not say whose they are. */
  readonly notOwned: number | null;
  /** Commits of a lower offset than the one before. */
  readonly backwards: number;
  readonly generations: number;
}

/** How a group behaved, by the broker's log; the client writes the id of the member that commits beside each offset. */
export function conductOf(records: readonly GroupRecord[], group: string): Conduct {
  const last = new Map<string, bigint>();
  let held: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  let [commits, notOwned, backwards, unsigned] = [0, 0, 0, 0];
  const generations = new Set<number>();
  for (const record of records) {
    if (record.group !== group) continue;
    if (record.kind === "members") {
      held = record.members;
      generations.add(record.generation);
      continue;
    }
    commits++;
    if (record.offset < (last.get(record.partition) ?? 0n)) backwards++;
    last.set(record.partition, record.offset);
    const { metadata: member } = record;
    if (member === "") unsigned++;
    else if (!held.get(member)?.has(record.partition)) notOwned++;
  }
  return { commits, notOwned: unsigned > 0 ? null : notOwned, backwards, generations: generations.size };
}
