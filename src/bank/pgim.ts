import type { Demonstration } from "../bank.ts";
import { eachLine, parseCaptions, parseConll, readText } from "../conll/index.ts";
import { Fault } from "../errors.ts";

/** PGIM's predefined samples, in the files that its authors published. */
export interface PgimFiles {
  /** `<year>train.txt`: a line with the id, then a line with the answer. */
  readonly answers: string;
  /** `<year>train_GPT.txt`: a line with the id, then `['surface', 'TYPE'], …` or `None`. */
  readonly entities: string;
  /** CoNLL with `IMGID:` lines, where the posts' words stand. */
  readonly posts: string;
  /** `<image file> :<caption>` lines. */
  readonly captions?: string | undefined;
}

/**
 * The samples as demonstrations, joined by image id; a text is its words with a space between them, as the corpus has it.
 * Throws DATA_UNREADABLE, and DATA_MALFORMED where an answer lacks its entities or its post.
 */
export async function readPgim(files: PgimFiles): Promise<readonly Demonstration[]> {
  const answers = pairsOf(await readText(files.answers), files.answers);
  const entities = new Map(
    pairsOf(await readText(files.entities), files.entities).map(({ id, ...rest }) => [id, rest] as const),
  );
  const { samples } = parseConll(await readText(files.posts), files.posts);
  const texts = new Map(samples.map(({ id, words }) => [id, words.join(" ")]));
  const captions = files.captions ? parseCaptions(await readText(files.captions), files.captions) : new Map();
  return answers.map(({ id, said, line }) => {
    const lacks = (cause: string, fix: string) =>
      new Fault("DATA_MALFORMED", { file: files.answers, line, cause, fix });
    const [text, gold] = [texts.get(id), entities.get(id)];
    if (text === undefined) throw lacks(`no post IMGID:${id} in ${files.posts}`, "name the corpus of these samples");
    if (gold === undefined)
      throw lacks(`no entities of ${id} in ${files.entities}`, "name the file that belongs to it");
    const caption: string | undefined = captions.get(id);
    const listed = entitiesOf(gold.said, files.entities, gold.line);
    return { id, text, ...(caption && { caption }), answer: said, entities: listed };
  });
}

interface Pair {
  readonly id: string;
  readonly said: string;
  /** Of `said`, from 1. */
  readonly line: number;
}

/** Lines in twos; blank ones between them do not count. */
function pairsOf(text: string, file: string): Pair[] {
  const pairs: Pair[] = [];
  let id: string | undefined;
  let last = 0;
  eachLine(text, (line, number) => {
    if (line === "") return;
    last = number;
    if (id === undefined) id = line.trim();
    else {
      pairs.push({ id, said: line.trim(), line: number });
      id = undefined;
    }
  });
  const malformed = (cause: string, fix: string) => new Fault("DATA_MALFORMED", { file, line: last, cause, fix });
  if (id !== undefined) throw malformed(`nothing follows the id ${id}`, "write id and answer in two lines");
  if (pairs.length === 0) throw new Fault("DATA_EMPTY", { file, expected: "samples" });
  return pairs;
}

/** One `['surface', 'TYPE']`; a single quote inside the surface is not escaped. */
const listed = /\[\s*'(.+?)'\s*,\s*'([^'\]]+)'\s*\]/g;

function entitiesOf(said: string, file: string, line: number): Demonstration["entities"] {
  if (said === "None") return [];
  const found = Array.from(said.matchAll(listed), ([, text, type]) => ({ text: text!, type: type! }));
  if (said.replaceAll(listed, "").replaceAll(/[\s,]/g, "") === "" && found.length > 0) return found;
  const fix = "write ['surface', 'TYPE'], … or None";
  throw new Fault("DATA_MALFORMED", { file, line, cause: "the list of entities cannot be read", fix });
}
