import type { Demonstration } from "../bank.ts";
import { type Similar, similarPairs } from "./overlap.ts";

/** What there is to know of a bank beside its syntax. */
export interface BankReport {
  readonly demonstrations: number;
  readonly withCaption: number;
  readonly withoutEntities: number;
  /** Entities of each type. */
  readonly types: Readonly<Record<string, number>>;
  readonly similar: readonly Similar[];
  /** Entities that stand nowhere in the text of their post, or nowhere in their answer. */
  readonly unfound: readonly { readonly id: string; readonly entity: string; readonly in: "text" | "answer" }[];
}

export function checkBank(demonstrations: readonly Demonstration[]): BankReport {
  const types: Record<string, number> = {};
  for (const { entities } of demonstrations) for (const { type } of entities) types[type] = (types[type] ?? 0) + 1;
  return {
    demonstrations: demonstrations.length,
    withCaption: demonstrations.filter(({ caption }) => caption !== undefined).length,
    withoutEntities: demonstrations.filter(({ entities }) => entities.length === 0).length,
    types,
    similar: similarPairs(demonstrations),
    unfound: demonstrations.flatMap(unfoundIn),
  };
}

/** Spaces do not count: tokens of a corpus are spaced apart where the answer is not. */
const bare = (text: string) => text.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, "");

function unfoundIn({ id, text, answer, entities }: Demonstration): BankReport["unfound"] {
  const places = { text: bare(text), answer: bare(answer) };
  return entities.flatMap((entity) =>
    (["text", "answer"] as const)
      .filter((place) => !places[place].includes(bare(entity.text)))
      .map((place) => ({ id, entity: entity.text, in: place })),
  );
}
