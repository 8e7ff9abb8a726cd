import { isAscii, isUtf8 } from "node:buffer";
import {
  type Delivery,
  decodePost,
  Fault,
  fail,
  firstBadByte,
  type Origin,
  type Outcome,
  type Post,
} from "starling-ner";
import type { Piece } from "./pieces.ts";

/** Files need no acknowledgement: what was read is read again by the next run. */
const settle = () => {};

/** One line of one input. A class, because there is one for each post: its methods cost nothing. */
export class LineOrigin implements Origin {
  readonly lane: string;
  readonly offset: string;
  readonly #block: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(lane: string, line: number, block: Buffer, start: number, end: number) {
    this.lane = lane;
    this.offset = String(line);
    this.#block = block;
    this.#start = start;
    this.#end = end;
  }

  bytes(): Uint8Array {
    return this.#block.subarray(this.#start, this.#end);
  }

  /** Lines count from 1 for people. */
  where(): string {
    return `${this.lane} line ${Number(this.offset) + 1}`;
  }
}

export interface Read {
  readonly deliveries: Delivery[];
  /** Number of the line after the last one read, from 0. */
  readonly nextLine: number;
}

/** The posts of a piece whose first line has the number `line`. Blank lines are counted and passed over. */
export function readPiece(piece: Piece, lane: string, line: number, maxLineBytes: number): Read {
  if (piece.kind === "overlong") return { deliveries: [tooLong(piece, lane, line, maxLineBytes)], nextLine: line + 1 };
  const { bytes } = piece;
  const cut = cutter(bytes);
  const deliveries: Delivery[] = [];
  let nextLine = line;
  for (let start = 0; start < bytes.length; nextLine++) {
    const end = cut.end(start);
    const stop = end > start && bytes[end - 1] === 13 ? end - 1 : end;
    if (stop > start) {
      const origin = new LineOrigin(lane, nextLine, bytes, start, stop);
      const post =
        stop - start > maxLineBytes ? overLimit(origin, stop - start, maxLineBytes) : cut.post(origin, start, stop);
      if (post !== null) deliveries.push({ post, origin, settle });
    }
    start = end + 1;
  }
  return { deliveries, nextLine };
}

interface Cutter {
  /** Where the line that begins at `start` ends. */
  end(start: number): number;
  /** Null for a blank line. */
  post(origin: LineOrigin, start: number, end: number): Outcome<Post> | null;
}

/** Decodes a block in the cheapest way that is right for its bytes. */
function cutter(bytes: Buffer): Cutter {
  if (isAscii(bytes)) {
    const text = bytes.toString("latin1");
    return {
      end: (start) => orEnd(text.indexOf("\n", start), bytes),
      post: (origin, start, end) => decode(text.slice(start, end), origin),
    };
  }
  const end = (start: number) => orEnd(bytes.indexOf(10, start), bytes);
  const post: Cutter["post"] = (origin, start, end) => decode(bytes.toString("utf8", start, end), origin);
  if (isUtf8(bytes)) return { end, post };
  return { end, post: (origin, start, stop) => notUtf8(origin) ?? post(origin, start, stop) };
}

const orEnd = (found: number, bytes: Buffer) => (found === -1 ? bytes.length : found);

function decode(json: string, origin: LineOrigin): Outcome<Post> | null {
  const post = decodePost(json.startsWith("\ufeff") && origin.offset === "0" ? json.slice(1) : json, origin);
  return post.kind === "fail" && json.trim() === "" ? null : post;
}

function notUtf8(origin: LineOrigin): Outcome<never> | null {
  const bytes = Buffer.from(origin.bytes());
  return isUtf8(bytes)
    ? null
    : fail(new Fault("POST_NOT_UTF8", { where: origin.where(), byte: firstBadByte(bytes) + 1 }));
}

const overLimit = (origin: LineOrigin, bytes: number, maxLineBytes: number) =>
  fail(new Fault("POST_TOO_LONG", { where: origin.where(), bytes, maxLineBytes }));

function tooLong(piece: Piece & { kind: "overlong" }, lane: string, line: number, maxLineBytes: number): Delivery {
  const origin = new LineOrigin(lane, line, piece.kept, 0, piece.kept.length);
  return { post: overLimit(origin, piece.length, maxLineBytes), origin, settle };
}
