import { type Asked, fitGain, gainAt } from "../../gate/index.ts";
import { mulberry32, prf, sum } from "../../score/index.ts";

/** What comes of asking about some of the posts; shares 0 to 1. */
export interface Point {
  /** Share of the posts asked about. */
  readonly asked: number;
  /** F1 of all posts, 0 to 1: last taggings of those asked about, drafts of the others. */
  readonly f1: number;
  /** Share of the gain of asking about all of them; null where that gains nothing. */
  readonly kept: number | null;
}

export interface Sweep {
  readonly folds: number;
  /** F1 of the drafts and of the last taggings, 0 to 1. */
  readonly draft: number;
  readonly final: number;
  readonly shares: readonly (Point & { readonly share: number })[];
  readonly costs: readonly (Point & { readonly cost: number })[];
}

export interface SweepOptions {
  readonly folds?: number;
  readonly seed?: number;
}

const SHARES = Array.from({ length: 21 }, (_, i) => i / 20);
const COSTS = [0, 0.25, 0.5, 1, 2, 3, 4, 6, 8];

/**
 * F1 against the share of posts asked about, and against the cost that a call must be expected to earn. Cross-fitted:
 * posts are parted into `folds`; each is ranked, and its gain expected, by what the other folds show, as a service is
 * that was fitted to other posts.
 */
export function sweep(posts: readonly Asked[], { folds = 5, seed = 1 }: SweepOptions = {}): Sweep {
  const expected = crossFitted(posts, folds, seed);
  const f1Of = (asked: (i: number) => boolean) =>
    prf(sum(posts.map(({ draft, final }, i) => (asked(i) ? final : draft)))).f1;
  const [draft, final] = [f1Of(() => false), f1Of(() => true)];
  const pointOf = (asks: (one: Expected) => boolean): Point => {
    const f1 = f1Of((i) => asks(expected[i]!));
    const kept = final > draft ? (f1 - draft) / (final - draft) : null;
    return { asked: expected.filter(asks).length / posts.length, f1, kept };
  };
  return {
    folds,
    draft,
    final,
    shares: SHARES.map((share) => ({ share, ...pointOf(({ rank }) => rank > 1 - share) })),
    costs: COSTS.map((cost) => ({ cost, ...pointOf(({ gain }) => gain >= cost) })),
  };
}

interface Expected {
  /** Among the posts of the other folds, between 0 for the least doubt and 1; equal ones share the middle of their ranks. */
  readonly rank: number;
  /** F1 points. */
  readonly gain: number;
}

function crossFitted(posts: readonly Asked[], folds: number, seed: number): Expected[] {
  const random = mulberry32(seed);
  const order = posts.map((_, i) => ({ i, at: random() })).sort((a, b) => a.at - b.at);
  const fold = new Map(order.map(({ i }, place) => [i, place % folds]));
  const fits = Array.from({ length: folds }, (_, f) => {
    const others = posts.filter((_, i) => fold.get(i) !== f);
    return { curve: fitGain(others), doubts: others.map(({ doubt }) => doubt) };
  });
  return posts.map(({ doubt }, i) => {
    const { curve, doubts } = fits[fold.get(i)!]!;
    const [less, same] = [doubts.filter((d) => d < doubt).length, doubts.filter((d) => d === doubt).length];
    return { rank: (less + (same + 1) / 2) / (doubts.length + 1), gain: gainAt(curve, doubt) };
  });
}
