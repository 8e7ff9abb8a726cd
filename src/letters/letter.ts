import { type DeadLetter, deadLetterSchema } from "../schema/dead-letter.ts";

/** A dead letter, and where it lies. */
export interface Found {
  /** `letters.ndjson:12`, or `posts-dead/0:7`: what `show` takes. */
  readonly at: string;
  /** Absent where what lies there is no dead letter. */
  readonly letter?: DeadLetter;
}

/** The dead letter that a line of JSON is, where it is one. */
export function parseLetter(json: string): DeadLetter | undefined {
  try {
    return deadLetterSchema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** The bytes of the post, as they came. */
export const bytesOf = ({ bytes }: DeadLetter): Buffer => Buffer.from(bytes, "base64");

/** Where the post stood: `posts/3:17`. */
export const originOf = ({ origin }: DeadLetter): string => `${origin.lane}:${origin.offset}`;

export interface Filter {
  readonly at?: string;
  readonly stage?: string;
  readonly code?: string;
}

export const passes = (at: string, { stage, code }: DeadLetter, wanted: Filter): boolean =>
  (wanted.at === undefined || at === wanted.at) &&
  (wanted.stage === undefined || stage === wanted.stage) &&
  (wanted.code === undefined || code === wanted.code);
