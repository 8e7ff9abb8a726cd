import { Fault } from "../errors.ts";
import type { Facts } from "../facts.ts";
import type { Outcome } from "../outcome.ts";
import { count, type Tally } from "./tally.ts";
import { codeOf, type StageReason, type Transit } from "./transit.ts";
import type { OpenStage, Said } from "./types.ts";

/** Writes what a stage said of a post into the post's record, and counts it. Throws STAGE_FAILED where `onFail` is stop. */
export function apply(
  open: OpenStage,
  transit: Transit,
  outcome: Outcome<Partial<Facts>>,
  tally: Tally,
  attempts = 1,
): Said {
  switch (outcome?.kind) {
    case "ok":
      return keep(open, transit, outcome.value, tally, attempts);
    case "pass":
      note(open.name, transit, outcome.reason, outcome.degraded);
      count(tally.passed, open.name, outcome.reason);
      return "passed";
    case "fail":
      return refuse(open, transit, outcome.error, tally, attempts);
    default:
      return refuse(
        open,
        transit,
        new TypeError(`${open.name} answered ${String(outcome)}, not an outcome`),
        tally,
        attempts,
      );
  }
}

function keep(open: OpenStage, transit: Transit, given: Partial<Facts>, tally: Tally, attempts: number): Said {
  const { gives } = open.plugin;
  if (gives.length === 0) return "ok";
  const facts: Record<string, unknown> = { ...transit.facts };
  for (const fact of gives) {
    if (given[fact] === undefined)
      return refuse(open, transit, new Fault("FACT_NOT_GIVEN", { stage: open.name, fact }), tally, attempts);
    facts[fact] = given[fact];
  }
  // A new object: work that timed out may still read the old one.
  transit.facts = facts;
  return "ok";
}

function refuse({ name, flow }: OpenStage, transit: Transit, error: Error, tally: Tally, attempts: number): Said {
  const code = codeOf(error);
  count(tally.failed, name, code);
  if (flow.onFail === "stop")
    throw new Fault("STAGE_FAILED", { stage: name, post: transit.post.id, reason: error.message }, { cause: error });
  if (flow.onFail === "skip") note(name, transit, code.toLowerCase(), true);
  else transit.failure = { stage: name, error, attempts };
  return "failed";
}

function note(stage: string, transit: Transit, reason: string, degraded: boolean): void {
  const list: readonly StageReason[] = degraded ? transit.degraded : transit.passed;
  const said = { stage, reason };
  const longer = list.length === 0 ? [said] : [...list, said];
  if (degraded) transit.degraded = longer;
  else transit.passed = longer;
}
