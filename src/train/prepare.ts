import { Fault } from "../errors.ts";
import type { OpenStage } from "../flow/types.ts";
import type { DataSet, TrainConfig } from "./config.ts";
import { type DataSummary, type Labelled, type LoadOptions, loadSet } from "./data.ts";
import { type Inputs, inputsOf, type Lost } from "./inputs.ts";
import type { TrainPost } from "./posts.ts";

export interface Prepared {
  readonly train: readonly TrainPost[];
  readonly valid: readonly TrainPost[];
  readonly types: readonly string[];
  readonly summaries: { readonly train: readonly DataSummary[]; readonly valid: readonly DataSummary[] };
  /** Share of valid posts whose very words stand in train too, 0 to 1. */
  readonly validInTrain: number;
  readonly lost: Lost;
}

export interface PrepareOptions {
  readonly config: TrainConfig;
  readonly folder: string;
  readonly limit?: number | undefined;
  /** What runs before training; see `stagesBefore`. */
  readonly stages: readonly OpenStage[];
  readonly signal: AbortSignal;
}

/** Reads the data, runs the earlier stages over it and answers what the learner reads. Throws as `loadSet` and the stages do. */
export async function prepareData({ config, folder, limit, stages, signal }: PrepareOptions): Promise<Prepared> {
  const options = { ...config, folder, limit };
  const [train, valid] = [await loadSets(config.data.train, options), await loadSets(config.data.valid, options)];
  refuseSame(train.summaries, valid.summaries);
  const types = config.types ?? typesOf(train.posts);
  for (const [name, { posts }] of Object.entries({ train, valid })) checkTypes(name, posts, types, config);
  const seen = {
    train: await inputsOf(train.posts, stages, signal),
    valid: await inputsOf(valid.posts, stages, signal),
  };
  const posts = { train: trainPosts(train.posts, seen.train), valid: trainPosts(valid.posts, seen.valid) };
  const validInTrain = seenShare(posts.valid, posts.train);
  const lost = { ...seen.train.lost, ...prefixed(seen.valid.lost) };
  return { ...posts, types, summaries: { train: train.summaries, valid: valid.summaries }, validInTrain, lost };
}

const prefixed = (lost: Lost): Lost =>
  Object.fromEntries(Object.entries(lost).map(([stage, count]) => [`valid: ${stage}`, count]));

/** Share of posts whose very words others have too. */
function seenShare(posts: readonly TrainPost[], others: readonly TrainPost[]): number {
  const known = new Set(others.map(({ words }) => words.join("	")));
  return posts.filter(({ words }) => known.has(words.join("	"))).length / Math.max(1, posts.length);
}

async function loadSets(sets: readonly DataSet[], options: LoadOptions) {
  const loaded = [];
  for (const set of sets) loaded.push(await loadSet(set, options));
  return { posts: loaded.flatMap(({ posts }) => posts), summaries: loaded.map(({ summary }) => summary) };
}

/** A model chosen on what it learnt from looks better than it is. */
function refuseSame(train: readonly DataSummary[], valid: readonly DataSummary[]): void {
  const twin = valid.find((set) => train.some(({ fingerprint }) => fingerprint === set.fingerprint));
  if (twin)
    throw new Fault("TRAIN_DATA_UNFIT", {
      data: twin.file,
      why: "it is train and valid at once; name held-out posts as valid",
    });
}

const typesOf = (posts: readonly Labelled[]): string[] =>
  [...new Set(posts.flatMap(({ gold }) => gold.map(({ type }) => type)))].sort();

function checkTypes(
  name: string,
  posts: readonly Labelled[],
  types: readonly string[],
  { labelMap }: TrainConfig,
): void {
  const unfit = (why: string) => new Fault("TRAIN_DATA_UNFIT", { data: `train.data.${name}`, why });
  if (types.length === 0) throw unfit("no post has an entity, so there is no type to learn");
  const foreign = typesOf(posts).find((type) => !types.includes(type));
  if (foreign === undefined) return;
  const known = `${types.join(", ")}${Object.keys(labelMap).length > 0 ? ", after train.labelMap" : ""}`;
  throw unfit(
    `it has the type "${foreign}", which is not one of ${known}; map it in train.labelMap, or list it in train.types`,
  );
}

/** Posts as the learner reads them; one without words teaches nothing and is left out. */
const trainPosts = (posts: readonly Labelled[], { inputs }: Inputs): TrainPost[] =>
  posts.flatMap(({ post, gold, language }) => {
    const input = inputs.get(post);
    if (input === undefined || input.words.length === 0) return [];
    const images = Math.max(post.images?.length ?? 0, input.captions.length);
    return [{ ...input, id: post.id, gold, language, images }];
  });
