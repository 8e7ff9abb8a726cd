export interface SlotRules {
  /** Pieces of work running at the same time, at most. */
  readonly slots: number;
  /** Time limit of one piece of work, in milliseconds. */
  readonly timeoutMs: number;
}

export interface Piece<R> {
  run(signal: AbortSignal): Promise<R>;
  /** The work ended in time. */
  done(result: R): void;
  /** The work ended within the grace, after its signal was aborted for `reason`. */
  cut(result: R, reason: Error): void;
  /** The work threw in time. */
  threw(error: unknown): void;
  /** The work threw within the grace, or let it pass. Nothing more is said of it, but it keeps its slot until it ends. */
  late(): void;
}

export interface Slots {
  readonly free: boolean;
  /** Every slot is taken by work that is late. */
  readonly stuck: boolean;
  start<R>(piece: Piece<R>, reason: () => Error): void;
  /** Tells all running work to stop. */
  abort(): void;
}

/** How long work may go on once its signal is aborted: a tenth of its time, at most 100 milliseconds. */
const graceOf = (timeoutMs: number): number => Math.min(100, timeoutMs / 10);

/** A fixed number of slots for work that may never end. `changed` is called whenever `free` or `stuck` may have changed. */
export function slotsOf({ slots, timeoutMs }: SlotRules, changed: () => void): Slots {
  const running = new Set<AbortController>();
  let late = 0;

  return {
    get free() {
      return running.size < slots;
    },
    get stuck() {
      return late >= slots;
    },
    start(piece, reason) {
      const controller = new AbortController();
      running.add(controller);
      let open = true;
      let overdue: Error | undefined;
      const giveUp = () => {
        open = false;
        late++;
        piece.late();
        changed();
      };
      let timer = setTimeout(() => {
        overdue = reason();
        timer = setTimeout(giveUp, graceOf(timeoutMs));
        controller.abort(overdue);
      }, timeoutMs);
      const end = (tell: () => void) => {
        clearTimeout(timer);
        running.delete(controller);
        if (open) tell();
        else late--;
        changed();
      };
      started(piece, controller.signal).then(
        (result) => end(() => (overdue === undefined ? piece.done(result) : piece.cut(result, overdue))),
        (error: unknown) => end(() => (overdue === undefined ? piece.threw(error) : piece.late())),
      );
    },
    abort() {
      for (const controller of running) controller.abort();
    },
  };
}

/** A `run` that throws before it returns its promise is no different from one that rejects. */
const started = async <R>(piece: Piece<R>, signal: AbortSignal): Promise<R> => piece.run(signal);
