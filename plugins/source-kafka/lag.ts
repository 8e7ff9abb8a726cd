import type { Health, LogClient, Tracker } from "starling-ner";
import { partitionOf } from "./held.ts";

/** Between looks at where partitions end, in milliseconds. */
const LOOK_MS = 5000;

export interface Lag {
  /** Records between what is committed and the end of each partition that is ours, as of the last look. */
  now(): NonNullable<Health["lag"]>;
  close(): void;
}

/**
 * Looks where the partitions end, from the first time somebody asks for it. What fetches tell of it is not enough: a
 * partition that is paused because too much is under way is not fetched, and that is when the lag grows.
 */
export function watchLag(client: Pick<LogClient, "offsets">, trackers: ReadonlyMap<string, Tracker>): Lag {
  const ends = new Map<string, ReadonlyMap<number, number>>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  const look = async () => {
    if (looking) return;
    looking = true;
    const topics = new Set(Array.from(trackers.keys(), (lane) => partitionOf(lane).topic));
    for (const topic of topics)
      try {
        const found = await client.offsets(topic, "latest");
        ends.set(topic, new Map(found.map(({ partition, offset }) => [partition, offset])));
      } catch {
        // The log is out of reach: what is known stays shown, and is behind the truth.
      }
    looking = false;
  };

  return {
    now() {
      if (timer === undefined) {
        timer = setInterval(() => void look(), LOOK_MS).unref();
        void look();
      }
      return Array.from(trackers.values()).flatMap(({ lane, committed }) => {
        const { topic, partition } = partitionOf(lane);
        const end = ends.get(topic)?.get(partition);
        if (end === undefined || committed === undefined) return [];
        return [{ topic, partition, messages: Math.max(0, end - committed) }];
      });
    },
    close: () => clearInterval(timer),
  };
}
