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
  /** The work threw in time. */
  threw(error: unknown): void;
  /** The work is late. Nothing more is said of it, but it keeps its slot until it ends. */
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
      const timer = setTimeout(() => {
        open = false;
        late++;
        controller.abort(reason());
        piece.late();
        changed();
      }, timeoutMs);
      const end = () => {
        clearTimeout(timer);
        running.delete(controller);
        if (!open) late--;
      };
      started(piece, controller.signal).then(
        (result) => {
          end();
          if (open) piece.done(result);
          changed();
        },
        (error: unknown) => {
          end();
          if (open) piece.threw(error);
          changed();
        },
      );
    },
    abort() {
      for (const controller of running) controller.abort();
    },
  };
}

/** A `run` that throws before it returns its promise is no different from one that rejects. */
const started = async <R>(piece: Piece<R>, signal: AbortSignal): Promise<R> => piece.run(signal);
