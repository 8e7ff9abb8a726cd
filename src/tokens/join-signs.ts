import type { Mention, Tagging } from "../facts.ts";
import { mapOk, type Outcome } from "../outcome.ts";
import type { Tagged, Tagger, TagInput } from "../tagger.ts";

/** How training data writes hashtags and mentions: `#NBA` as one word (Twitter-2015) or as two (Twitter-2017). */
export type Signs = "joined" | "apart";

const sign = /^[#@＃＠]$/u;
const named = /^[\p{L}\p{N}_]/u;
const joined = /^[#@＃＠][\p{L}\p{N}_]/u;

/** What most hashtags and mentions of the data are; `apart` where there are none. */
export function signsOf(posts: Iterable<readonly string[]>): Signs {
  let balance = 0;
  for (const words of posts)
    words.forEach((word, at) => {
      if (joined.test(word)) balance++;
      else if (sign.test(word) && named.test(words[at + 1] ?? "")) balance--;
    });
  return balance > 0 ? "joined" : "apart";
}

/**
 * A tagger for a model that has learnt joined signs: `#` and `@` go to it as one word with the word that they touch, and
 * mentions come back in the words that were given. Words that are not known to touch stay as they are.
 */
export function joiningSigns(tagger: Pick<Tagger, "tag" | "taggings">): Pick<Tagger, "tag" | "taggings"> {
  const back = ({ tagging, feature }: Tagged, joined: Joined) => ({ tagging: inGivenWords(tagging, joined), feature });
  const tag = joining<Tagged>((inputs, signal) => tagger.tag(inputs, signal), back);
  if (tagger.taggings === undefined) return { tag };
  return { tag, taggings: joining((inputs, signal) => tagger.taggings!(inputs, signal), inGivenWords) };
}

type Ask<T> = (inputs: readonly TagInput[], signal: AbortSignal) => Promise<readonly Outcome<T>[]>;

function joining<T>(ask: Ask<T>, back: (said: T, joined: Joined) => T): Ask<T> {
  return async (inputs, signal) => {
    const joins = inputs.map(joinSigns);
    const outcomes = await ask(
      joins.map(({ input }) => input),
      signal,
    );
    return outcomes.map((outcome, i) => mapOk(outcome, (said) => back(said, joins[i]!)));
  };
}

interface Joined {
  readonly input: TagInput;
  /** For each joined word the given word at which it starts, and their number at the end. */
  readonly starts: readonly number[];
}

function joinSigns({ glued, ...input }: TagInput): Joined {
  const words: string[] = [];
  const starts: number[] = [];
  input.words.forEach((word, at) => {
    const before = input.words[at - 1] ?? "";
    if (glued?.[at] && sign.test(before) && named.test(word)) words[words.length - 1] = before + word;
    else {
      words.push(word);
      starts.push(at);
    }
  });
  return { input: { ...input, words }, starts: [...starts, input.words.length] };
}

function inGivenWords(tagging: Tagging, { starts }: Joined): Tagging {
  const given = <M extends Mention>(m: M): M => ({ ...m, start: starts[m.start]!, end: starts[m.end]! });
  return { ...tagging, mentions: tagging.mentions.map(given) };
}
