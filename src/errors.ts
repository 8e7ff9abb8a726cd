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
  MODEL_FAMILY_UNKNOWN: {
    retry: false,
    say: (d: { file: string; family: string; known: string }) =>
      `${d.file} describes a model of the family "${d.family}"; this plugin reads ${d.known}`,
  },
  MODEL_FILE_INVALID: {
    retry: false,
    say: (d: { file: string; what: string; hint: string }) =>
      `${d.file} cannot be read as a model: ${d.what}; ${d.hint}`,
  },
  MODEL_FILE_MISSING: {
    retry: false,
    say: (d: { file: string; hint: string }) => `${d.file} is missing; ${d.hint}`,
  },
  MODEL_HEAD_MISSING: {
    retry: false,
    say: (d: { folder: string }) =>
      `the model in ${d.folder} has no trained head, so it can only be trained; train it first, or name a folder with a classifier`,
  },
  NOT_A_NUMBER: {
    retry: false,
    say: (d: { what: string; where: string }) => `${d.what} is not a finite number at ${d.where}`,
  },
  PROVIDER_UNAVAILABLE: {
    retry: false,
    say: (d: { asked: string; available: string; hint: string }) =>
      `execution provider "${d.asked}" cannot be used here (available: ${d.available}); ${d.hint}`,
  },
  TAGGER_CHILD_LOST: {
    retry: true,
    say: (d: { model: string; how: string }) =>
      `a process of the tagger ${d.model} ended while it read this post (${d.how})`,
  },
  TAGGER_CLOSED: {
    retry: false,
    say: (d: { model: string }) => `the tagger ${d.model} is closed; do not use it after close()`,
  },
  TAGGER_TIMEOUT: {
    retry: true,
    say: (d: { model: string; afterMs: number }) =>
      `a process of the tagger ${d.model} gave no answer for ${d.afterMs} ms and was replaced; raise timeoutMs if the posts are long`,
  },
  TOKENIZER_MISMATCH: {
    retry: false,
    say: (d: { tokenizer: string; what: string }) =>
      `${d.tokenizer} does not fit the model: ${d.what}; copy the tokenizer.json that was saved with the model`,
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
