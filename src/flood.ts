/** Lines of one kind in one second, at most; a flood of bad records must not become a flood of lines. */
const A_SECOND = 10;

export interface Flood {
  /** Tells, or counts what is left out. */
  line(tell: () => void): void;
  /** Tells how many were left out of the last second. */
  end(): void;
}

/** Lets ten lines a second through; `more` is told how many others there were, with the next one or at the end. */
export function flood(more: (left: number) => void, now: () => number = Date.now): Flood {
  let [second, lines, left] = [0, 0, 0];
  const turn = (to: number) => {
    if (to === second) return;
    const before = left;
    [second, lines, left] = [to, 0, 0];
    if (before > 0) more(before);
  };
  return {
    line(tell) {
      turn(Math.floor(now() / 1000));
      if (++lines > A_SECOND) left++;
      else tell();
    },
    end: () => turn(-1),
  };
}
