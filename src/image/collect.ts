import type { Readable } from "node:stream";
import { Refusal } from "./refusal.ts";

/** All bytes of a stream, as long as they stay within the limit; `declared` is the length that was promised, or 0. */
export async function collect(stream: Readable, declared: number, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (declared <= maxBytes)
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > maxBytes) break;
      chunks.push(chunk);
    }
  if (declared > maxBytes || length > maxBytes) {
    stream.on("error", () => {}).destroy();
    throw tooManyBytes(maxBytes);
  }
  return Buffer.concat(chunks, length);
}

export const tooManyBytes = (maxBytes: number): Refusal =>
  new Refusal("image_too_large", `it has more than images.maxBytes, ${maxBytes}`);
