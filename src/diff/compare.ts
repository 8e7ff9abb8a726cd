import type { Entity } from "../schema/event.ts";

export interface Named extends Pick<Entity, "text" | "type" | "start" | "end"> {}

/** How the entities of one post differ. */
export interface Difference {
  readonly gained: readonly Named[];
  readonly lost: readonly Named[];
  /** The same bounds with another type. */
  readonly changed: readonly (Omit<Named, "type"> & { readonly before: string; readonly after: string })[];
  readonly kept: readonly Named[];
}

const boundsOf = ({ start, end }: Named) => `${start}:${end}`;
const wholeOf = (entity: Named) => `${boundsOf(entity)}:${entity.type}`;

/** An entity is the same where its bounds and its type are; confidences are not compared. */
export function compare(before: readonly Named[], after: readonly Named[]): Difference {
  const had = new Set(before.map(wholeOf));
  const has = new Set(after.map(wholeOf));
  const kept = before.filter((entity) => has.has(wholeOf(entity)));
  const gone = before.filter((entity) => !has.has(wholeOf(entity)));
  const come = after.filter((entity) => !had.has(wholeOf(entity)));
  const changed: { text: string; start: number; end: number; before: string; after: string }[] = [];
  const gained: Named[] = [];
  for (const { text, start, end, type } of come) {
    const at = gone.findIndex((entity) => entity.start === start && entity.end === end);
    if (at === -1) gained.push({ text, type, start, end });
    else changed.push({ text, start, end, before: gone.splice(at, 1)[0]!.type, after: type });
  }
  return { gained, lost: gone, changed, kept };
}
