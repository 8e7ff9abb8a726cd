import type { Agreement, Observation, SeenEntity } from "./observation.ts";

/** Numbers of names (types, languages), so that a row holds no text. */
export interface Names {
  idOf(name: string): number;
  nameOf(id: number): string;
}

const CONFIDENCE = 250;
const EXPECTED = 1000;

/** Start, end, type, confidence and shape of each entity, one after the other. */
export const packEntities = (entities: readonly SeenEntity[], { idOf }: Names): number[] =>
  entities.flatMap(({ start, end, type, confidence, words, capitals }) => [
    start,
    end,
    idOf(type),
    Math.round(confidence * CONFIDENCE),
    2 * Math.min(words, 3) + (capitals ? 1 : 0),
  ]);

export function unpackEntities(packed: readonly number[], { nameOf }: Names): SeenEntity[] {
  const entities: SeenEntity[] = [];
  for (let i = 0; i + 4 < packed.length; i += 5) {
    const [start, end, type, confidence, shape] = packed.slice(i, i + 5) as [number, number, number, number, number];
    entities.push({
      start,
      end,
      type: nameOf(type),
      confidence: confidence / CONFIDENCE,
      words: shape >> 1,
      capitals: (shape & 1) === 1,
    });
  }
  return entities;
}

type Rest = Pick<Observation, "expected" | "input" | "captionCharacters" | "llm">;
type Row = [
  entities: number[],
  expected: [correct: number, gold: number] | 0,
  input: number[] | 0,
  captionCharacters: number,
  llm: [both: number, first: number, second: number] | 0,
];

/** What the store keeps of an event besides its columns, as short JSON. */
export function packNumbers(seen: Rest & Pick<Observation, "entities">, names: Names): string {
  const { expected, input, captionCharacters, llm } = seen;
  const row: Row = [
    packEntities(seen.entities, names),
    expected === undefined ? 0 : [Math.round(expected.correct * EXPECTED), Math.round(expected.gold * EXPECTED)],
    input === undefined ? 0 : packInput(input, names),
    captionCharacters,
    llm === undefined ? 0 : [llm.both, llm.first, llm.second],
  ];
  return JSON.stringify(row);
}

const packInput = (input: NonNullable<Observation["input"]>, { idOf }: Names): number[] => {
  const { characters, words, language, images, knowledgeCharacters, novelty } = input;
  const numbers = [characters, words, idOf(language), images, knowledgeCharacters];
  return novelty === undefined ? numbers : [...numbers, novelty.words, novelty.unknown];
};

export function unpackNumbers(text: string, names: Names): Rest & Pick<Observation, "entities"> {
  const [entities, expected, input, captionCharacters, llm] = JSON.parse(text) as Row;
  return {
    entities: unpackEntities(entities, names),
    expected: expected === 0 ? undefined : { correct: expected[0] / EXPECTED, gold: expected[1] / EXPECTED },
    input: input === 0 ? undefined : unpackInput(input, names),
    captionCharacters,
    llm: llm === 0 ? undefined : agreementOf(llm),
  };
}

function unpackInput(numbers: readonly number[], { nameOf }: Names): NonNullable<Observation["input"]> {
  const [characters, words, language, images, knowledgeCharacters, counted, unknown] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number?,
    number?,
  ];
  const read = { characters, words, language: nameOf(language), images, knowledgeCharacters };
  return counted === undefined ? read : { ...read, novelty: { words: counted, unknown: unknown! } };
}

export const packAgreement = ({ both, first, second }: Agreement): string => JSON.stringify([both, first, second]);
export const unpackAgreement = (text: string): Agreement => agreementOf(JSON.parse(text) as [number, number, number]);

const agreementOf = ([both, first, second]: readonly [number, number, number]): Agreement => ({ both, first, second });
