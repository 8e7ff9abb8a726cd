import fc from "fast-check";
import { expect, test } from "vitest";
import { createUnderway, type Linked } from "./underway.ts";

interface Item extends Linked<Item> {
  readonly name: number;
}

test("the oldest is the first of those that have not left, and who left holds nobody", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(99), { minLength: 1, maxLength: 200 }), (steps) => {
      const underway = createUnderway<Item>();
      const there: Item[] = [];
      for (const [name, step] of steps.entries()) {
        if (step < 50 || there.length === 0) {
          const item: Item = { name, before: undefined, after: undefined };
          there.push(item);
          underway.add(item);
        } else {
          const [item] = there.splice(step % there.length, 1);
          underway.leave(item!);
          expect(item).toEqual({ name: item!.name, before: undefined, after: undefined });
        }
        expect(underway.oldest).toBe(there[0]);
      }
      const inOrder: number[] = [];
      for (let item = underway.oldest; item !== undefined; item = item.after) inOrder.push(item.name);
      expect(inOrder).toEqual(there.map(({ name }) => name));
    }),
  );
});
