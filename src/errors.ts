/**
 * Every fault the core raises: whether trying again can help, and how it reads.
 * A sentence says what happened, where, and what to change. docs/errors.md lists the same codes.
 */
export const faults = {
  FACT_MISSING: {
    retry: false,
    say: (d: { stage: string; fact: string; giver: string }) =>
      `${d.stage} needs "${d.fact}", which no earlier stage gives; put ${d.giver} before it`,
  },
  NOT_A_NUMBER: {
    retry: false,
    say: (d: { what: string; where: string }) => `${d.what} is not a finite number at ${d.where}`,
  },
} as const;

export type FaultCode = keyof typeof faults;
export type FaultDetails<C extends FaultCode> = Parameters<(typeof faults)[C]["say"]>[0];
const mark = Symbol.for("starling.fault");

export class Fault<C extends FaultCode = FaultCode> extends Error {
  override readonly name = "Fault";
  readonly [mark] = true;
  readonly code: C;
  readonly details: FaultDetails<C>;
  readonly retry: boolean;

  constructor(code: C, details: FaultDetails<C>, options?: ErrorOptions) {
    const fault = faults[code] as { retry: boolean; say: (d: FaultDetails<C>) => string };
    super(fault.say(details), options);
    this.code = code;
    this.details = details;
    this.retry = fault.retry;
  }
}

/** Works across two installed copies of this package, where `instanceof` does not. */
export const isFault = (error: unknown): error is Fault => typeof error === "object" && error !== null && mark in error;
