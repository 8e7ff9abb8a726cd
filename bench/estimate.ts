/**
 * F1 estimated without labels against true F1, on the valid posts of Twitter-2015 and 2017, apart and mixed. The posts are
 * shuffled and halved, 200 times: the calibration is fitted on one half, and the other gives a window of 500 posts (of
 * Twitter-2017, whose half is smaller, all 361). `npm run bench -- estimate [--model FOLDER]`
 */
import { estimate, uncalibrated } from "../src/drift/estimate.ts";
import { mulberry32 } from "../src/score/bootstrap.ts";
import { add, empty, prf, type Tally, tallyOf } from "../src/score/index.ts";
import type { Calibration } from "../src/train/profile.ts";
import { modelArgument } from "./support/model.ts";
import { NO_DATA, type Predicted, predictions } from "./support/predictions.ts";
import { shuffled } from "./support/shuffled.ts";

const wanted = 0.03;
const WINDOW = 500;

interface Counts extends Tally {
  readonly expectedCorrect: number;
  readonly expectedGold: number;
}

function countsOf(posts: readonly Predicted[]): Counts {
  let tally = empty;
  let [expectedCorrect, expectedGold] = [0, 0];
  for (const { event, gold } of posts) {
    tally = add(tally, tallyOf(event.entities, gold));
    expectedCorrect += event.expected!.correct;
    expectedGold += event.expected!.gold;
  }
  return { ...tally, expectedCorrect, expectedGold };
}

const estimated = ({ predicted, expectedCorrect, expectedGold }: Counts, by: Calibration) =>
  estimate({ predicted, correct: expectedCorrect, gold: expectedGold }, by).f1;

const calibrationOf = ({ correct, gold, expectedCorrect, expectedGold }: Counts): Calibration => ({
  correct: correct / expectedCorrect,
  gold: gold / expectedGold,
});

/** Differences of estimated and true F1, with the calibration of the other half and without. */
function errorsOf(posts: readonly Predicted[], random: () => number) {
  const mixed = shuffled(posts, random);
  const half = Math.floor(mixed.length / 2);
  const fitted = calibrationOf(countsOf(mixed.slice(0, half)));
  const window = countsOf(mixed.slice(half, half + WINDOW));
  const { f1 } = prf(window);
  return { fitted: estimated(window, fitted) - f1, raw: estimated(window, uncalibrated) - f1 };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export default async function ({ scale, args }: { scale: number; args: readonly string[] }) {
  const made = await predictions(modelArgument(args));
  if (made === undefined) return { bench: "estimate", ratio: null, skipped: NO_DATA };
  const sets = {
    "2015": made["2015 valid"],
    "2017": made["2017 valid"],
    both: [...made["2015 valid"], ...made["2017 valid"]],
  };
  const random = mulberry32(1);
  const rounds = Math.max(20, Math.round(200 * scale));
  const results = Object.entries(sets).map(([name, posts]) => {
    const errors = Array.from({ length: rounds }, () => errorsOf(posts, random));
    const size = Math.min(WINDOW, posts.length - Math.floor(posts.length / 2));
    const meanError = mean(errors.map(({ fitted }) => Math.abs(fitted)));
    const rawError = mean(errors.map(({ raw }) => Math.abs(raw)));
    const bias = mean(errors.map(({ fitted }) => fitted));
    const worst = Math.max(...errors.map(({ fitted }) => Math.abs(fitted)));
    console.log(
      `${name}: windows of ${size} posts, ${rounds} draws: mean error ${meanError.toFixed(4)} (without calibration ${rawError.toFixed(4)}), bias ${bias.toFixed(4)}, worst ${worst.toFixed(4)}`,
    );
    return { name, meanError, rawError, worst };
  });
  const meanError = Math.max(...results.map((result) => result.meanError));
  return { bench: "estimate", ratio: meanError / wanted, meanError, wanted, sets: results };
}
