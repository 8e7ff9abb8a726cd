import { defineResource, Fault, ok, type Tagger, tagger, z } from "starling-ner";
import { featureOf } from "./feature.ts";
import { readList } from "./list.ts";
import { contextOf, tag } from "./tag.ts";

const options = z.strictObject({
  /** A JSON file: entity types and their names, such as `{ "LOC": ["Cork", "New York"] }`. */
  list: z.string().min(1),
  /** How often a listed name is meant as listed, 0 to 1; becomes the confidence of its mentions. */
  trust: z.number().min(0).max(1).default(0.8),
});

export default defineResource({
  name: "tagger-gazetteer",
  about: "Names of a list in place of a model.",
  fills: tagger,
  options,
  async check({ list }, host) {
    const file = host.resolve(list);
    host.reads(file, ["list"]);
    return readList(file).then(
      () => [],
      (error: Error) => [{ option: ["list"], error }],
    );
  },
  async open({ list, trust }, host): Promise<Tagger & { close?(): Promise<void> }> {
    const gazetteer = await readList(host.resolve(list));
    const { version, types } = gazetteer;
    let open = true;
    return {
      model: { version, types, labelMap: {}, precision: "fp32", provider: "list" },
      async tag(inputs, signal) {
        if (!open) throw new Fault("TAGGER_CLOSED", { model: version });
        signal.throwIfAborted();
        return inputs.map((input) => {
          const mentions = tag(input, gazetteer, trust);
          const correct = mentions.reduce((sum, { confidence }) => sum + confidence, 0);
          const context = contextOf(input);
          return ok({
            // A list cannot know what it misses: it expects as many entities as it finds.
            tagging: { mentions, expected: { correct, gold: mentions.length }, context, model: version },
            feature: { vector: featureOf(input), of: context, model: version },
          });
        });
      },
      close: async () => {
        open = false;
      },
    };
  },
});
