import type { Tally } from "../score/index.ts";
import { prf, sum } from "../score/index.ts";
import type { GainCurve } from "./gain.ts";

/** A post as it was before and after asking. */
export interface Asked {
  readonly doubt: number;
  readonly draft: Tally;
  readonly final: Tally;
}

/**
 * Gain of each post in F1 points, so that their mean is, to first order, what asking about all of them brings:
 * F1 = 2c / (p + g), hence dF1 = (2 dc - F1 dp) / (p + g).
 */
export function gainsOf(posts: readonly Asked[]): number[] {
  const before = sum(posts.map(({ draft }) => draft));
  const { f1 } = prf(sum(posts.map(({ final }) => final)));
  const size = (before.predicted + before.gold) / posts.length;
  if (size === 0) return posts.map(() => 0);
  return posts.map(
    ({ draft, final }) =>
      (100 * (2 * (final.correct - draft.correct) - f1 * (final.predicted - draft.predicted))) / size,
  );
}

/** Groups of posts that are fitted at first, of equal size. */
const GROUPS = 12;
const SPREAD = 21;

interface Block {
  readonly doubt: number;
  readonly gain: number;
  readonly posts: number;
}

/** The never-falling curve that lies nearest to the mean gains of groups of equal size, ordered by doubt (pool adjacent violators). */
export function fitGain(posts: readonly Asked[]): GainCurve {
  const gains = gainsOf(posts);
  const order = posts.map((_, i) => i).sort((a, b) => posts[a]!.doubt - posts[b]!.doubt);
  const doubts = order.map((i) => posts[i]!.doubt);
  const groups = Math.min(GROUPS, posts.length);
  const bound = (group: number) => Math.round((group * posts.length) / groups);
  const blocks = Array.from({ length: groups }, (_, group): Block => {
    const members = order.slice(bound(group), bound(group + 1));
    const mean = (of: (i: number) => number) => members.reduce((total, i) => total + of(i), 0) / members.length;
    return { doubt: mean((i) => posts[i]!.doubt), gain: mean((i) => gains[i]!), posts: members.length };
  });
  const pooled = neverFalling(blocks);
  const at = (share: number) => doubts[Math.round(share * (doubts.length - 1))]!;
  return {
    doubts: pooled.map(({ doubt }) => doubt),
    gains: pooled.map(({ gain }) => gain),
    spread: Array.from({ length: SPREAD }, (_, i) => at(i / (SPREAD - 1))),
  };
}

/** Merges neighbours until gains rise with doubt; blocks of one doubt are one. */
function neverFalling(blocks: readonly Block[]): Block[] {
  const out: Block[] = [];
  for (const block of blocks) {
    let last = block;
    while (out.length > 0 && (out.at(-1)!.gain >= last.gain || out.at(-1)!.doubt === last.doubt))
      last = merged(out.pop()!, last);
    out.push(last);
  }
  return out;
}

function merged(a: Block, b: Block): Block {
  const posts = a.posts + b.posts;
  const mean = (of: (block: Block) => number) => (of(a) * a.posts + of(b) * b.posts) / posts;
  return { doubt: mean(({ doubt }) => doubt), gain: mean(({ gain }) => gain), posts };
}
