import type { Message } from "kafkajs";
import { postLine } from "../../bench/posts.ts";
import { type Random, seeded } from "./random.ts";

/** How a poison post is spoiled: no JSON, JSON without a text, or a text that a stage always refuses. */
const poisons = ["not json", "no text", "refused"] as const;

/** Stands in the text of a post that the unsteady stage refuses however often it comes. */
export const REFUSED = "#refused";

export interface Posts {
  readonly count: number;
  message(index: number): Message;
}

/** `count` invented posts, `poison` of them spoiled at places that the seed decides. */
export function posts(count: number, poison: number, random: Random = seeded(1)): Posts {
  const places = random.shuffle(Array.from({ length: count }, (_, i) => i)).slice(0, poison);
  const spoiled = new Map(places.map((place, i) => [place, poisons[i % poisons.length]!]));
  return {
    count,
    message(index) {
      const how = spoiled.get(index);
      const line = postLine(index);
      const headers = { index: String(index), ...(how && { poison: how }) };
      return { key: `user${index % 997}`, value: how ? spoil(line, how) : line, headers };
    },
  };
}

function spoil(line: string, how: (typeof poisons)[number]): string {
  const post = JSON.parse(line) as { id: string; text: string };
  switch (how) {
    case "not json":
      return line.slice(0, -7);
    case "no text":
      return JSON.stringify({ id: post.id });
    case "refused":
      return JSON.stringify({ ...post, text: `${post.text} ${REFUSED}` });
  }
}
