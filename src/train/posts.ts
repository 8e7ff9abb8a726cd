import type { GoldInput } from "../tagger.ts";
import { uniformAt } from "./random.ts";

/** A labelled post as the trainer keeps it, with what the reference profile counts. */
export interface TrainPost extends GoldInput {
  readonly id: string;
  /** BCP 47, `und` where nobody said. */
  readonly language: string;
  readonly images: number;
}

export interface Drops {
  /** Rates, 0 to 1, drawn for each post and epoch, independently. */
  readonly dropCaptions: number;
  readonly dropKnowledge: number;
}

/** The posts of one epoch: [T; captions; Z] with captions and Z left out here and there, so that one model serves every case. */
export const dropContexts = (posts: readonly TrainPost[], drops: Drops, seed: number, epoch: number): TrainPost[] =>
  posts.map((post, i) => ({
    ...post,
    captions: uniformAt(seed, "captions", epoch, i) < drops.dropCaptions ? [] : post.captions,
    knowledge: uniformAt(seed, "knowledge", epoch, i) < drops.dropKnowledge ? "" : post.knowledge,
  }));

/** Sub-words of an input, roughly: four characters each, a link counts once. */
export function approximateSubwords({ words, captions, knowledge }: GoldInput): number {
  const text = words.reduce((sum, word) => sum + (word.startsWith("http") ? 1 : Math.ceil(word.length / 4)), 0);
  return text + Math.ceil((captions.join(" ").length + knowledge.length) / 4);
}
