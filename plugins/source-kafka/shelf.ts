import type { Tracker } from "starling-ner";
import type { Held } from "./held.ts";

/** What was handed over and waits to be read, partition by partition. */
export interface Shelf {
  add(lane: string, posts: readonly Held[]): void;
  /** To be read before all others: it was delivered before. */
  again(post: Held): void;
  /** At most `count` posts of one partition that has room; the partitions take turns. */
  take(count: number, room: (tracker: Tracker) => number): readonly Held[];
  /** Whether anything waits that was not delivered before. */
  readonly waiting: boolean;
  /** Forgets a partition that is no longer ours. */
  drop(lane: string): void;
}

interface Row {
  posts: readonly Held[];
  next: number;
}

const nothing: readonly Held[] = Object.freeze([]);

export function createShelf(): Shelf {
  const lanes = new Map<string, Row[]>();
  let repeated: Held[] = [];

  return {
    add(lane, posts) {
      if (posts.length === 0) return;
      const row = { posts, next: 0 };
      const rows = lanes.get(lane);
      if (rows === undefined) lanes.set(lane, [row]);
      else rows.push(row);
    },
    again(post) {
      repeated.push(post);
    },
    take(count, room) {
      if (repeated.length > 0) {
        const taken = repeated.filter(({ tracker }) => tracker.live);
        repeated = [];
        if (taken.length > 0) return taken;
      }
      for (const [lane, rows] of lanes) {
        const row = rows[0]!;
        const most = Math.min(count, room(row.posts[0]!.tracker));
        if (most <= 0) continue;
        const taken =
          row.next === 0 && row.posts.length <= most ? row.posts : row.posts.slice(row.next, row.next + most);
        row.next += taken.length;
        if (row.next >= row.posts.length) rows.shift();
        // To the end: the other partitions come first next time.
        lanes.delete(lane);
        if (rows.length > 0) lanes.set(lane, rows);
        return taken;
      }
      return nothing;
    },
    get waiting() {
      return lanes.size > 0;
    },
    drop(lane) {
      lanes.delete(lane);
    },
  };
}
