/** Why an image gives nothing: a bounded set, for labels. */
export type ImageReason =
  | "image_refused"
  | "image_unreachable"
  | "image_timeout"
  | "image_too_large"
  | "image_unreadable";

/** Ends the work on one image. The message is for the log: it says what to change, and holds no URL, path or text of a post. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: ImageReason;
  constructor(reason: ImageReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The refusal in an error or behind it: libraries wrap what a callback of theirs throws. */
export function refusalIn(error: unknown): Refusal | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at instanceof Refusal) return at;
  return undefined;
}
