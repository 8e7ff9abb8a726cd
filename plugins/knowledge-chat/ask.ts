import {
  type Bank,
  type Chat,
  type ChatAnswer,
  type Facts,
  type Host,
  isFault,
  type Knowledge,
  markNames,
  type Outcome,
  ok,
  type Post,
  parseAnswer,
  pass,
  renderKnowledge,
  type View,
} from "starling-ner";
import { leakFinder } from "./leaks.ts";
import { requestOf, type Shown, shownOf } from "./messages.ts";
import type { Options } from "./options.ts";
import type { Prompt } from "./prompt.ts";
import { reasonOf, without } from "./reasons.ts";
import { type Kept, reposts } from "./reposts.ts";
import { OutOfTime, within } from "./within.ts";

type Asked = View<"neighbours", "captions" | "ask" | "feature">;
type Said = Outcome<Pick<Facts, "knowledge">>;

interface Parts {
  readonly chat: Chat;
  readonly bank: Bank;
  readonly prompt: Prompt;
  readonly options: Options;
  readonly host: Pick<Host, "log" | "count">;
}

/** Asks an LLM of one post after the other; what cannot be had is a pass with its reason, never a failure. */
export function asker({ chat, bank, prompt, options, host }: Parts) {
  const kept = reposts(options.reposts);
  const leaks = leakFinder(prompt.head);
  const arrivals = new WeakMap<Post, number>();
  const source = `knowledge-chat:${chat.model}:${prompt.version}`;

  /** When the post came here first: its wait in the queue counts. */
  const arrived = (post: Post): number => {
    const at = arrivals.get(post) ?? performance.now();
    arrivals.set(post, at);
    return at;
  };

  const knowledgeOf = (answer: Kept, post: Post, usd: number): Knowledge => ({
    text: renderKnowledge(answer, options.maxKnowledge),
    names: markNames(answer.entities, post.text),
    source: answer.source,
    usd,
  });

  /** The answer of a post that said the same, where there is one. */
  function known({ post, facts }: Asked): Said | undefined {
    const answer = kept.find(shownIn(post, facts), facts.feature);
    if (answer === undefined) return undefined;
    host.count("reposts");
    return ok({ knowledge: knowledgeOf(answer, post, 0) });
  }

  async function ask(view: Asked, signal: AbortSignal): Promise<Said> {
    const { post, facts } = view;
    if (facts.ask?.yes === false) return pass(facts.ask.reason);
    const deadline = arrived(post) + options.deadlineMs;
    const answered = known(view);
    if (answered) return answered;
    const left = deadline - performance.now();
    if (left <= 0) return without("timeout");
    const shown = shownIn(post, facts);
    const request = { ...requestOf(shown, examplesOf(facts.neighbours), prompt, options), deadline };
    host.count("asked");
    try {
      const answer = await within((either) => chat.ask(request, either), left, signal);
      return heard(view, shown, answer);
    } catch (error) {
      return lost(error, signal);
    }
  }

  function heard({ post, facts }: Asked, shown: Shown, answer: ChatAnswer): Said {
    if (answer.finish === "refusal") return without("refused");
    const read = leaks(answer.text) ? undefined : parseAnswer(answer.text);
    if (read === undefined) return without("unreadable");
    const whole: Kept = { ...read, source };
    // What was cut at the token limit may lack names.
    if (answer.finish === "stop") kept.keep(shown, facts.feature, whole);
    return ok({ knowledge: knowledgeOf(whole, post, answer.usd) });
  }

  function lost(error: unknown, signal: AbortSignal): Said {
    if (error instanceof OutOfTime) return without("timeout");
    if (signal.aborted) {
      // The stage's own time limit is a limit like any other; who stops the whole run wants to hear of it.
      if (isFault(signal.reason) && signal.reason.code === "STAGE_TIMEOUT") return without("timeout");
      throw signal.reason;
    }
    const reason = reasonOf(error);
    host.log("the LLM gave nothing", { reason, code: isFault(error) ? error.code : (error as Error)?.name });
    return without(reason);
  }

  const examplesOf = (neighbours: Facts["neighbours"]) =>
    neighbours
      .slice(0, options.examples)
      .map(({ id }) => bank.get(id))
      .filter((example) => example !== undefined);

  const shownIn = ({ text }: Post, { captions = [] }: Asked["facts"]): Shown =>
    shownOf({ text, captions: captions.map(({ text }) => text) }, options.maxText);

  return { ask, known, arrived };
}
