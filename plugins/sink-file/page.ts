/** Kept for the next batch up to this size. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** UTF-8 needs at most this for one UTF-16 unit. */
const BYTES_PER_UNIT = 3;

export interface Page {
  write(line: string): void;
  /** What was written since the last `take`; valid until the next `write`. */
  take(): Buffer;
}

/** Text as UTF-8 in one buffer that is used again and again: no string of a whole batch, and nothing to collect. */
export function newPage(): Page {
  let page = Buffer.allocUnsafeSlow(65_536);
  let end = 0;

  const room = (bytes: number) => {
    if (end + bytes <= page.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(page.length * 2, end + bytes));
    page.copy(larger, 0, 0, end);
    page = larger;
  };
  return {
    write(line) {
      room(line.length * BYTES_PER_UNIT);
      end += page.write(line, end);
    },
    take() {
      const taken = page.subarray(0, end);
      end = 0;
      if (page.length > KEPT_BYTES) page = Buffer.allocUnsafeSlow(65_536);
      return taken;
    },
  };
}
