import { Fault, isFault } from "../errors.ts";
import { decodePost } from "./decode.ts";
import type { Post } from "./post.ts";

/** The post of one line of a data file for training or scoring, read as a service reads it. Throws DATA_MALFORMED. */
export function dataPost(json: string, file: string, line: number): Post {
  const decoded = decodePost(json, { where: () => `${file}:${line}` });
  if (decoded.kind === "ok") return decoded.value;
  const error = decoded.kind === "fail" ? decoded.error : undefined;
  const fix = 'write one post as JSON, such as {"id": "1", "text": "…", "labels": []}';
  throw new Fault("DATA_MALFORMED", { file, line, cause: causeOf(error), fix }, { cause: error });
}

/** What the fault says, without the place, which stands in front already. */
function causeOf(error: unknown): string {
  if (!isFault(error)) return String(error);
  const { column, path, reason } = error.details as { column?: number; path?: string; reason: string };
  return column === undefined ? `${path}: ${reason}` : `column ${column}: not JSON: ${reason}`;
}
