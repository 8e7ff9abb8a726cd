/**
 * Figures from committed files. Of training, from the cards: mean and standard deviation of valid F1 over seeds, and what
 * int8 costs. Of whole pipelines, from reports of `starling evaluate CONFIG --gate --out FILE`: F1 before and after asking
 * a language model, and what is kept of the gain when half of the posts are asked about.
 *   npm run figures [CARDS [REPORTS]]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluationFigures, evaluationSchema, showEvaluations } from "../src/evaluate/figures.ts";
import { cardSchema } from "../src/train/card.ts";
import { figuresOf, showFigures } from "../src/train/figures.ts";

const models = join(import.meta.dirname, "../models");
const [cardFolder = join(models, "cards"), reportFolder = join(models, "evaluations")] = process.argv.slice(2);

function readAll<T>(folder: string, schema: { parse(value: unknown): T }): T[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return names.sort().map((name) => schema.parse(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}

const cards = readAll(cardFolder, cardSchema);
const reports = readAll(reportFolder, evaluationSchema);
if (cards.length === 0) {
  console.error(`${cardFolder} holds no card; starling train CONFIG --seeds 1,2,3 writes them`);
  process.exitCode = 1;
} else {
  const figures = figuresOf(cards);
  const evaluations = evaluationFigures(reports);
  console.log(showFigures(figures));
  if (evaluations.length > 0) console.log(`\n${showEvaluations(evaluations)}`);
  console.log(JSON.stringify({ figures, evaluations }));
}
