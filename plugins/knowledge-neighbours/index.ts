import {
  type Bank,
  bank as bankPort,
  defineStage,
  type Facts,
  filesVersion,
  markNames,
  type NamedEntity,
  ok,
  parseAnswer,
  pass,
  type Refusal,
  renderKnowledge,
  type View,
  z,
} from "starling-ner";
import { gazetteerOf, namesIn, readGazetteer } from "./gazetteer.ts";

export default defineStage({
  name: "knowledge-neighbours",
  about: "Knowledge without an LLM: names of similar examples, and of a gazetteer, that stand in the post.",
  needs: ["neighbours"],
  uses: ["ask"],
  gives: ["knowledge"],
  options: z.strictObject({
    bank: z.string().default("bank").describe("The `bank@1` that the neighbours are of"),
    gazetteer: z.string().min(1).optional().describe("File of name<TAB>type lines"),
    neighbours: z.int().nonnegative().default(10).describe("Neighbours whose names are looked for at most"),
  }),
  borrows: ({ bank }) => [{ port: bankPort, name: bank }],
  async check({ gazetteer }, host): Promise<readonly Refusal[]> {
    if (gazetteer === undefined) return [];
    const file = host.resolve(gazetteer);
    host.reads(file, ["gazetteer"]);
    return readGazetteer(file).then(
      () => [],
      (error: Error) => [{ option: ["gazetteer"], error }],
    );
  },
  async open({ bank: name, gazetteer, neighbours: most }, host) {
    const bank = host.borrow(bankPort, name);
    const path = gazetteer === undefined ? undefined : host.resolve(gazetteer);
    const known = path === undefined ? undefined : await readGazetteer(path);
    const version = path === undefined ? undefined : await filesVersion([path]);
    const taught = taughtBy(bank);
    const answer = ({ post, facts: { neighbours, ask } }: View<"neighbours", "ask">) => {
      if (ask?.yes === false) return pass(ask.reason);
      const near = gazetteerOf(neighbours.slice(0, most).flatMap(({ id }) => taught(id)));
      const entities = namesIn(post.text, known === undefined ? [near] : [near, known]);
      return entities.length === 0 ? pass("nothing_known") : ok({ knowledge: knowledgeOf(entities, post.text) });
    };
    return { ...(version !== undefined && { version }), quick: answer, run: async (batch) => batch.map(answer) };
  },
});

/** The names of a demonstration, with the types of its answer; each is read once. */
function taughtBy(bank: Bank): (id: string) => readonly NamedEntity[] {
  const read = new Map<string, readonly NamedEntity[]>();
  return (id) => {
    const known = read.get(id);
    if (known) return known;
    const example = bank.get(id);
    const entities = example ? (parseAnswer(example.answer)?.entities ?? example.entities) : [];
    read.set(id, entities);
    return entities;
  };
}

const knowledgeOf = (entities: readonly NamedEntity[], text: string): Facts["knowledge"] => ({
  text: renderKnowledge({ entities, reasoning: entities.map(sentenceOf).join(" ") }),
  names: markNames(entities, text),
  source: "knowledge-neighbours",
  usd: 0,
});

const sentenceOf = ({ text, type }: NamedEntity): string =>
  `The sentence mentions ${text}${type === "" ? "" : `, known as ${type}`}.`;
