import type { Delivery, Order, Origin } from "../plugin.ts";
import { isRevoked, type Transit } from "./transit.ts";

/** What may go now. */
export interface Released {
  /** To be written, in this order. */
  readonly out: readonly Transit[];
  /** Behind a post that will not come any more: they stay in the input. */
  readonly back: readonly Transit[];
}

/** Gives posts the order of their delivery back, just before they are written. */
export interface Sequencer {
  /** A post is delivered; one that comes again has the place it had. */
  enter(delivery: Delivery): void;
  /** A post has done its stages. */
  leave(transit: Transit): Released;
  /** A post went back to its source, and nothing will be read any more. */
  cut(transit: Transit): Released;
}

interface Place {
  readonly delivery: Delivery;
  readonly number: number;
  readonly queue: Queue;
  ready: Transit | null;
  gone: boolean;
}

interface Queue {
  readonly name: string;
  places: Place[];
  next: number;
  /** Nothing behind this number is written any more. */
  cutAt: number;
}

const nothing: readonly never[] = Object.freeze([]);

const unordered: Sequencer = {
  enter() {},
  leave: (transit) => ({ out: [transit], back: nothing }),
  cut: () => ({ out: nothing, back: nothing }),
};

/** The order of `none`, of the posts of one key, or of one lane. Keys are those of one lane: who owns the lane owns them. */
export function sequencer(order: Order): Sequencer {
  if (order === "none") return unordered;
  const nameOf = order === "partition" ? ({ origin }: Delivery) => origin.lane : keyName;
  const queues = new Map<string, Queue>();
  const places = new WeakMap<Origin, Place>();

  const advance = (queue: Queue): Transit[] => {
    const out: Transit[] = [];
    let head = 0;
    for (; head < queue.places.length; head++) {
      const place = queue.places[head]!;
      // What is no longer ours leaves by itself, and nobody waits for it.
      if (place.ready === null && place.delivery.revoked?.aborted !== true) break;
      place.gone = true;
      if (place.ready !== null) out.push(place.ready);
    }
    queue.places.splice(0, head);
    if (queue.places.length === 0 && queue.cutAt === Number.POSITIVE_INFINITY) queues.delete(queue.name);
    return out;
  };

  return {
    enter(delivery) {
      const name = nameOf(delivery);
      if (name === undefined || places.has(delivery.origin)) return;
      let queue = queues.get(name);
      if (queue === undefined) {
        queue = { name, places: [], next: 0, cutAt: Number.POSITIVE_INFINITY };
        queues.set(name, queue);
      }
      const place: Place = { delivery, number: queue.next++, queue, ready: null, gone: false };
      queue.places.push(place);
      places.set(delivery.origin, place);
    },
    leave(transit) {
      const place = places.get(transit.delivery.origin);
      if (place === undefined || place.gone) return { out: [transit], back: nothing };
      if (place.number > place.queue.cutAt && !isRevoked(transit)) return { out: nothing, back: [transit] };
      place.ready = transit;
      return { out: advance(place.queue), back: nothing };
    },
    cut(transit) {
      const place = places.get(transit.delivery.origin);
      if (place === undefined || place.gone) return { out: nothing, back: nothing };
      const { queue } = place;
      queue.cutAt = Math.min(queue.cutAt, place.number);
      const behind = queue.places.filter(({ number, ready }) => number > queue.cutAt && ready !== null);
      queue.places = queue.places.filter(({ number }) => number < queue.cutAt);
      return { out: advance(queue), back: behind.map(({ ready }) => ready!) };
    },
  };
}

/** One author's posts belong together where records have no keys. */
function keyName({ origin, post }: Delivery): string | undefined {
  const key = origin.key === undefined ? undefined : Buffer.from(origin.key).toString("latin1");
  const author = post.kind === "ok" ? post.value.author?.handle : undefined;
  if (key === undefined && author === undefined) return undefined;
  return key === undefined ? `${origin.lane} a ${author}` : `${origin.lane} k ${key}`;
}
