import type { Mention } from "../facts.ts";
import { ok } from "../outcome.ts";
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
 * A `tag` for a model that has learnt joined signs: `#` and `@` go to it as one word with the word that they touch, and
 * mentions come back in the words that were given. Words that are not known to touch stay as they are.
 */
export function joiningSigns(tag: Tagger["tag"]): Tagger["tag"] {
  return async (inputs, signal) => {
    const joins = inputs.map(joinSigns);
    const outcomes = await tag(
      joins.map(({ input }) => input),
      signal,
    );
    return outcomes.map((outcome, i) => (outcome.kind === "ok" ? ok(inGivenWords(outcome.value, joins[i]!)) : outcome));
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

function inGivenWords({ tagging, feature }: Tagged, { starts }: Joined): Tagged {
  const given = <M extends Mention>(m: M): M => ({ ...m, start: starts[m.start]!, end: starts[m.end]! });
  return { tagging: { ...tagging, mentions: tagging.mentions.map(given) }, feature };
}
