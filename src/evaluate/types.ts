import { Fault } from "../errors.ts";
import type { Mention } from "../facts.ts";
import type { ModelInfo } from "../tagger.ts";
import type { LabelledSet } from "./set.ts";

/**
 * The set with its types as the model calls them, by the label map saved with the model (OTHER, say, becomes MISC).
 * Throws DATA_TYPES_UNKNOWN where a type is neither the model's nor mapped.
 */
export function inModelTypes(
  set: LabelledSet,
  { types, labelMap }: Pick<ModelInfo, "types" | "labelMap">,
): LabelledSet {
  const found = new Set(set.posts.flatMap(({ gold }) => gold.map(({ type }) => type)));
  const nameOf = (type: string) => (types.includes(type) ? type : labelMap[type]);
  const unknown = [...found].filter((type) => nameOf(type) === undefined).sort();
  if (unknown.length > 0)
    throw new Fault("DATA_TYPES_UNKNOWN", { file: set.file, unknown: unknown.join(", "), known: types.join(", ") });
  const rename = (mentions: readonly Mention[]) => mentions.map((m) => ({ ...m, type: nameOf(m.type)! }));
  const posts = set.posts.map((post) => ({ ...post, gold: rename(post.gold), goldStrict: rename(post.goldStrict) }));
  return { ...set, posts };
}
