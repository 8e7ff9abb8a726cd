/** Something that stands between two others; the list alone writes to it. */
export interface Linked<T> {
  before: T | undefined;
  after: T | undefined;
}

export interface Underway<T> {
  add(item: T): void;
  /** Of one that was added and has not left yet. */
  leave(item: T): void;
  readonly oldest: T | undefined;
}

/**
 * What is under way, in the order in which it came. Not a `Set`: with each growth it leaves a dead table behind that points to the
 * next one, and by that chain every post outlives the young generation of the garbage collector.
 */
export function createUnderway<T extends Linked<T>>(): Underway<T> {
  let oldest: T | undefined;
  let newest: T | undefined;
  return {
    add(item) {
      item.before = newest;
      if (newest === undefined) oldest = item;
      else newest.after = item;
      newest = item;
    },
    leave(item) {
      const { before, after } = item;
      if (before === undefined) oldest = after;
      else before.after = after;
      if (after === undefined) newest = before;
      else after.before = before;
      item.before = undefined;
      item.after = undefined;
    },
    get oldest() {
      return oldest;
    },
  };
}
