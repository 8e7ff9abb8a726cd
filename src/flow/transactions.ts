import type { Transacted } from "../plugin.ts";
import { type ExitEvents, type Exits, isDead, type Letter, shortened } from "./letter.ts";
import { asError, isRevoked, type Transit } from "./transit.ts";
import type { OpenPipeline } from "./types.ts";
import { sinkFault } from "./writer.ts";

/** Posts of one transaction, at most. */
const AT_ONCE = 1000;

interface Item {
  readonly transit: Transit;
  /** Null for a record that is no post: only its offset moves. */
  readonly letter: Letter | null;
}

/**
 * For `delivery: exactly-once`. Posts come in the order of their lane, without gaps; those of one lane that came while the
 * transaction before was under way make the next one.
 */
export function transactionalExits(
  pipeline: Pick<OpenPipeline, "source" | "sink" | "deadLetters">,
  signal: AbortSignal,
  exit: ExitEvents,
): Exits {
  const lanes = new Map<string, Item[]>();

  const add = (item: Item) => {
    const { lane } = item.transit.delivery.origin;
    const queue = lanes.get(lane);
    if (queue !== undefined) return void queue.push(item);
    const started = [item];
    lanes.set(lane, started);
    void drain(lane, started);
  };
  const drain = async (lane: string, queue: Item[]) => {
    try {
      await undefined; // the rest of the chunk joins the transaction
      while (queue.length > 0 && !signal.aborted) await once(lane, queue);
    } catch (thrown) {
      exit.failed(sinkFault("transaction", asError(thrown)));
    }
    lanes.delete(lane);
    if (lanes.size === 0) exit.rested();
  };
  const once = async (lane: string, queue: Item[]) => {
    const mine = queue.filter(({ transit }) => !isRevoked(transit));
    const gone = queue.map(({ transit }) => transit).filter(isRevoked);
    if (gone.length > 0) exit.revoked(gone);
    queue.splice(0, queue.length, ...mine);
    if (mine.length === 0) return;
    const items = mine.slice(0, AT_ONCE);
    const posts = encoded(items, pipeline);
    if (posts.length === 0) return refuse(queue, 0, posts.refused!);
    const { done, refused } = await pipeline.source.transact!(lane, posts, signal);
    conclude(queue.splice(0, done));
    if (refused !== undefined) refuse(queue, 0, refused);
    else if (done === posts.length && posts.refused !== undefined) refuse(queue, 0, posts.refused);
  };
  const conclude = (items: readonly Item[]) => {
    exit.written(items.flatMap(({ letter }) => letter ?? []));
    for (const { transit, letter } of items) if (letter === null) exit.passed(transit);
  };
  /** An event that was refused makes room for its dead letter, which takes its place, and that for a shorter one. */
  const refuse = (queue: Item[], at: number, error: Error) => {
    const { letter, transit } = queue[at]!;
    if (letter === null) throw sinkFault("deadLetters", error);
    if (isDead(letter)) {
      const short = shortened(letter, error);
      if (short === undefined) throw sinkFault("deadLetters", error);
      queue[at] = { transit, letter: short };
      return;
    }
    const [item] = queue.splice(at, 1);
    const behind = queue.splice(at);
    exit.refused(item!.letter!, error);
    queue.push(...behind);
  };

  return {
    push: (letter) => add({ transit: letter.transit, letter }),
    pass: (transit) => add({ transit, letter: null }),
    get idle() {
      return lanes.size === 0;
    },
  };
}

/** The posts up to the first whose record cannot be made; `refused` says why that one cannot. */
function encoded(
  items: readonly Item[],
  { sink, deadLetters }: Pick<OpenPipeline, "sink" | "deadLetters">,
): Transacted[] & { refused?: Error } {
  const letters = items.flatMap(({ letter }) => letter ?? []);
  const events = sink.encode!(letters.filter((letter) => !isDead(letter))).values();
  const dead = deadLetters.encode!(letters.filter(isDead)).values();
  const posts: Transacted[] & { refused?: Error } = [];
  for (const { transit, letter } of items) {
    const outcome = letter === null ? undefined : (isDead(letter) ? dead : events).next().value;
    if (outcome?.kind === "fail") return Object.assign(posts, { refused: outcome.error });
    posts.push({ delivery: transit.delivery, records: outcome?.kind === "ok" ? [outcome.value] : [] });
  }
  return posts;
}
