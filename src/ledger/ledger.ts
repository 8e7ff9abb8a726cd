import { Entry, Tracker } from "./tracker.ts";

export interface LedgerLimits {
  /** Offsets between a partition's watermark and the last one seen, at most; then the partition pauses. */
  readonly span: number;
  /** Posts that were seen and not settled, over all partitions, at most; then all pause. */
  readonly posts: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Posts that were taken on and are not committed, at most; see `room`. */
  readonly repeats: number;
}

export interface Assigned {
  /** Held before and after by the same member: their trackers live on. */
  readonly kept: readonly Tracker[];
  /** To be started at the offset that the group has committed. */
  readonly added: readonly Tracker[];
  /** Fenced by this call. */
  readonly revoked: readonly Tracker[];
}

/** A watermark to be committed, and on whose behalf. */
export interface Due {
  readonly tracker: Tracker;
  readonly offset: number;
  /** Entries below it. */
  readonly passed: number;
}

/**
 * Which offsets of which partitions are under way. A watermark never passes an offset that is not settled, and never
 * goes back; what a fenced partition's posts do afterwards changes nothing.
 */
export interface Ledger {
  /** A rebalance: fences what is not held before and after by the same member. */
  assign(member: string, lanes: readonly string[]): Assigned;
  /** Opens a tracker that was added, at the offset that the group has committed. */
  start(tracker: Tracker, offset: number): void;
  /** The tracker of a partition that is ours. */
  of(lane: string): Tracker | undefined;
  /** Undefined for what was seen before, or is not ours. */
  see(lane: string, offset: number, bytes: number, now: number): Entry | undefined;
  reach(lane: string, next: number): void;
  settle(tracker: Tracker, entry: Entry): void;
  /** Watermarks that have moved since they were committed. */
  due(): Due[];
  committed(due: readonly Due[]): void;
  /**
   * How many more posts of a partition may be taken on, so that a crash repeats no more than `limits.repeats`. Half of
   * them are shared out, so that a partition that stands still leaves room for the others.
   */
  room(tracker: Tracker): number;
  /** Posts of a partition were taken on. */
  take(tracker: Tracker, posts: number): void;
  /** Partitions to pause and to resume now; each change is told once. */
  decide(): { readonly pause: readonly Tracker[]; readonly resume: readonly Tracker[] };
  /** From now on everything is to be paused. */
  stop(): void;
  /** Milliseconds since the oldest post under way was seen; 0 where there is none. */
  oldestMs(now: number): number;
  readonly trackers: ReadonlyMap<string, Tracker>;
  readonly pending: number;
  readonly bytes: number;
}

export function createLedger(limits: LedgerLimits): Ledger {
  const trackers = new Map<string, Tracker>();
  let member: string | undefined;
  let pending = 0;
  let bytes = 0;
  let full = false;
  let stopped = false;

  const fence = (tracker: Tracker) => {
    trackers.delete(tracker.lane);
    pending -= tracker.pending;
    bytes -= tracker.bytes;
    tracker.fence.abort();
  };
  const judge = () => {
    if (full) full = pending > limits.posts / 2 || bytes > limits.bytes / 2;
    else full = pending >= limits.posts || bytes >= limits.bytes;
    for (const tracker of trackers.values())
      tracker.wide = tracker.wide ? tracker.span > limits.span / 2 : tracker.span >= limits.span;
  };

  return {
    assign(newMember, lanes) {
      const same = newMember === member;
      member = newMember;
      const held = new Set(same ? lanes : []);
      const revoked = [...trackers.values()].filter(({ lane }) => !held.has(lane));
      revoked.forEach(fence);
      const kept = [...trackers.values()];
      const added = lanes.filter((lane) => !trackers.has(lane)).map((lane) => new Tracker(lane));
      for (const tracker of added) trackers.set(tracker.lane, tracker);
      for (const tracker of kept) tracker.paused = false;
      return { kept, added, revoked };
    },
    start(tracker, offset) {
      if (tracker.live && !tracker.started) tracker.start(offset);
    },
    of: (lane) => trackers.get(lane),
    see(lane, offset, size, now) {
      const tracker = trackers.get(lane);
      if (tracker === undefined || !tracker.started || offset < tracker.next) return undefined;
      const entry = new Entry(offset, size, now);
      tracker.see(entry);
      pending++;
      bytes += size;
      return entry;
    },
    reach(lane, next) {
      const tracker = trackers.get(lane);
      if (tracker?.started) tracker.reach(next);
    },
    settle(tracker, entry) {
      if (!tracker.live || entry.settled) return;
      tracker.settle(entry);
      pending--;
      bytes -= entry.bytes;
    },
    due: () =>
      [...trackers.values()]
        .filter(({ committed, watermark }) => committed !== undefined && watermark > committed)
        .map((tracker) => ({ tracker, offset: tracker.watermark, passed: tracker.passed })),
    committed(due) {
      for (const { tracker, offset, passed } of due) {
        if (tracker.committed !== undefined && offset <= tracker.committed) continue;
        tracker.committed = offset;
        tracker.cleared = passed;
      }
    },
    room(tracker) {
      const share = Math.max(1, Math.floor(limits.repeats / (2 * trackers.size)));
      let used = 0;
      for (const one of trackers.values()) used += one === tracker ? one.repeats : Math.max(share, one.repeats);
      return Math.max(0, limits.repeats - used, share - tracker.repeats);
    },
    take(tracker, posts) {
      tracker.taken += posts;
    },
    decide() {
      judge();
      const pause: Tracker[] = [];
      const resume: Tracker[] = [];
      for (const tracker of trackers.values()) {
        const wanted = stopped || full || tracker.wide;
        if (!tracker.started || wanted === tracker.paused) continue;
        tracker.paused = wanted;
        (wanted ? pause : resume).push(tracker);
      }
      return { pause, resume };
    },
    stop() {
      stopped = true;
    },
    oldestMs(now) {
      let oldest = now;
      for (const tracker of trackers.values()) oldest = Math.min(oldest, tracker.oldest?.seenAt ?? now);
      return now - oldest;
    },
    trackers,
    get pending() {
      return pending;
    },
    get bytes() {
      return bytes;
    },
  };
}
