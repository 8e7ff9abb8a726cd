/**
 * Figures of training, from the committed cards: mean and standard deviation of valid F1 over seeds, and what int8 costs.
 *   npm run figures [FOLDER]
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Card, cardSchema } from "../src/train/card.ts";
import { figuresOf, showFigures } from "../src/train/figures.ts";

const folder = process.argv[2] ?? join(import.meta.dirname, "../models/cards");

function cardsIn(path: string): Card[] {
  const names = readdirSync(path).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => cardSchema.parse(JSON.parse(readFileSync(join(path, name), "utf8"))));
}

const cards = cardsIn(folder);
if (cards.length === 0) {
  console.error(`${folder} holds no card; starling train CONFIG --seeds 1,2,3 writes them`);
  process.exitCode = 1;
} else {
  const figures = figuresOf(cards);
  console.log(showFigures(figures));
  console.log(JSON.stringify({ figures }));
}
