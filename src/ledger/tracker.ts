/** One offset between being seen and being settled. */
export class Entry {
  readonly offset: number;
  readonly bytes: number;
  /** On the clock of `performance.now()`. */
  readonly seenAt: number;
  settled = false;

  constructor(offset: number, bytes: number, seenAt: number) {
    this.offset = offset;
    this.bytes = bytes;
    this.seenAt = seenAt;
  }
}

/** Entries taken off the front before the array is cut: cutting each time would move all the others each time. */
const CUT = 1024;

/**
 * What was seen of one partition while one member owned it. The watermark is where a successor would begin: it moves
 * over settled offsets only, and over holes, since those were never seen. Once it is fenced nothing moves any more.
 */
export class Tracker {
  readonly lane: string;
  /** Aborted when the partition is no longer ours. */
  readonly fence = new AbortController();
  /** The offset that was committed last; undefined until the partition is started. */
  committed: number | undefined;
  /** First offset that is not settled. */
  watermark = 0;
  /** First offset that was not seen. */
  next = 0;
  /** Entries that are not settled, and their bytes. */
  pending = 0;
  bytes = 0;
  /** Posts that were taken on from here, in the order they were seen. */
  taken = 0;
  /** Entries below the watermark, and those below what was committed. */
  passed = 0;
  cleared = 0;
  /** Whether records of this partition are wanted; what `Ledger.decide` said last. */
  paused = false;
  /** The span has reached its limit, and has not come down to half of it. */
  wide = false;
  #entries: Entry[] = [];
  #head = 0;

  constructor(lane: string) {
    this.lane = lane;
  }

  get live(): boolean {
    return !this.fence.signal.aborted;
  }

  /** Posts that were taken on and are not committed: a crash would repeat them. */
  get repeats(): number {
    return this.taken - this.cleared;
  }

  get started(): boolean {
    return this.committed !== undefined;
  }

  /** Offsets between the watermark and the last one seen. */
  get span(): number {
    return this.next - this.watermark;
  }

  /** The oldest entry that is not settled. */
  get oldest(): Entry | undefined {
    return this.#entries[this.#head];
  }

  start(offset: number): void {
    this.committed = offset;
    this.watermark = offset;
    this.next = offset;
  }

  see(entry: Entry): void {
    this.next = entry.offset + 1;
    this.pending++;
    this.bytes += entry.bytes;
    this.#entries.push(entry);
    if (this.pending === 1) this.#advance();
  }

  /** What lies below `next` was handed over, as far as there was anything. */
  reach(next: number): void {
    if (next <= this.next) return;
    this.next = next;
    if (this.pending === 0) this.watermark = next;
  }

  settle(entry: Entry): void {
    entry.settled = true;
    this.pending--;
    this.bytes -= entry.bytes;
    if (entry === this.oldest) this.#advance();
  }

  #advance(): void {
    const entries = this.#entries;
    while (this.#head < entries.length && entries[this.#head]!.settled) {
      this.#head++;
      this.passed++;
    }
    this.watermark = entries[this.#head]?.offset ?? this.next;
    if (this.#head < CUT && this.#head < entries.length) return;
    entries.splice(0, this.#head);
    this.#head = 0;
  }
}
