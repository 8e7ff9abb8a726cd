import { type ExitEvents, type Exits, isDead, type Letter, shortened } from "./letter.ts";
import type { OpenPipeline } from "./types.ts";
import { sinkFault, writer } from "./writer.ts";

/** Events go to the sink, dead letters to theirs; each batch is acknowledged for itself. */
export function plainExits(
  { sink, deadLetters }: Pick<OpenPipeline, "sink" | "deadLetters">,
  signal: AbortSignal,
  exit: ExitEvents,
): Exits {
  const { failed, rested } = exit;
  // A draft is early or of no use.
  const patience = (letters: readonly Letter[]) =>
    letters.some(({ final }) => !final) ? 0 : exit.patience(letters.length);
  const events = writer<Letter>("sink", sink, signal, {
    concluded(letters, outcomes) {
      exit.written(letters.filter((_, i) => outcomes[i]!.kind !== "fail"));
      letters.forEach((letter, i) => {
        const outcome = outcomes[i]!;
        if (outcome.kind === "fail") exit.refused(letter, outcome.error);
      });
    },
    failed,
    patience,
    rested,
  });
  const graves = writer<Letter>("deadLetters", deadLetters, signal, {
    concluded(letters, outcomes) {
      exit.written(letters.filter((_, i) => outcomes[i]!.kind !== "fail"));
      letters.forEach((letter, i) => {
        const outcome = outcomes[i]!;
        if (outcome.kind !== "fail") return;
        const short = shortened(letter, outcome.error);
        if (short === undefined) throw sinkFault("deadLetters", outcome.error);
        graves.push(short);
      });
    },
    failed,
    patience,
    rested,
  });
  return {
    push: (letter) => (isDead(letter) ? graves : events).push(letter),
    pass: exit.passed,
    get idle() {
      return events.idle && graves.idle;
    },
  };
}
