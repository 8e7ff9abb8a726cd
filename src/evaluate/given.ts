import type { Facts } from "../facts.ts";
import type { OpenStage } from "../flow/types.ts";
import { mapOk, type Outcome, ok, pass } from "../outcome.ts";
import type { Post } from "../schema/post.ts";
import type { Labelled } from "./set.ts";

/** Stages that give what the data itself brings: captions and knowledge, as the stages of a service would. */
export function givenStages(posts: readonly Labelled[]): OpenStage[] {
  const byPost = new Map<Post, Labelled>(posts.map((labelled) => [labelled.post, labelled]));
  const captions = stage("data-captions", "captions", (post) => {
    const texts = byPost.get(post)?.captions ?? [];
    return texts.length > 0 ? ok(texts.map((text, image) => ({ image, text, source: "data" }))) : pass("no_captions");
  });
  const knowledge = stage("data-knowledge", "knowledge", (post) => {
    const text = byPost.get(post)?.knowledge ?? "";
    return text ? ok({ text, names: [], source: "data", usd: 0 }) : pass("no_knowledge");
  });
  return [
    ...(posts.some((post) => post.captions.length > 0) ? [captions] : []),
    ...(posts.some((post) => post.knowledge !== "") ? [knowledge] : []),
  ];
}

function stage<F extends "captions" | "knowledge">(
  name: string,
  fact: F,
  answer: (post: Post) => Outcome<Facts[F]>,
): OpenStage {
  const outcomeOf = (post: Post): Outcome<Pick<Facts, F>> => {
    const given = answer(post);
    return mapOk(given, (value) => ({ [fact]: value }) as Pick<Facts, F>);
  };
  return {
    name,
    plugin: { name, needs: [], uses: [], gives: [fact] },
    stage: { quick: ({ post }) => outcomeOf(post), run: async (batch) => batch.map(({ post }) => outcomeOf(post)) },
    flow: { batch: 1, waitMs: 0, concurrency: 1, timeoutMs: 30_000, onFail: "stop" },
  };
}
