import { z } from "zod";
import { isFramed } from "../message/index.ts";
import { entitySchema, eventSchema } from "../schema/event.ts";
import { type Feedback, feedbackSchema } from "../schema/feedback.ts";
import { type Observation, observe } from "./observation.ts";

export type Decoded<T> = { readonly value: T } | { readonly invalid: string };

/** What a newer version may add to an event is passed over. */
const { schema, key, postId, revision, model, expected, knowledge } = eventSchema.shape;
const loose = z.object({
  schema,
  key,
  postId,
  revision,
  model,
  expected,
  knowledge,
  input: z.object(eventSchema.shape.input.unwrap().shape).optional(),
  entities: z.array(z.object(entitySchema.shape)),
  captions: z.array(z.object({ text: z.string() })),
});

/** An event as JSON; `at` is when it was emitted. */
export function decodeEvent(bytes: Uint8Array | string, at: number): Decoded<Observation> {
  const found = decode(bytes, loose);
  return "invalid" in found ? found : { value: observe(found.value, at) };
}

export function decodeFeedback(
  bytes: Uint8Array | string,
  labelMap: Readonly<Record<string, string>>,
): Decoded<Feedback> {
  const found = decode(bytes, feedbackSchema);
  if ("invalid" in found) return found;
  const entities = found.value.entities.map((one) => ({ ...one, type: labelMap[one.type] ?? one.type }));
  return { value: { ...found.value, entities } };
}

function decode<T>(bytes: Uint8Array | string, wanted: z.ZodType<T>): Decoded<T> {
  const value = parsed(bytes);
  if (value === undefined) return { invalid: "it is not JSON" };
  const result = wanted.safeParse(value);
  if (result.success) return { value: result.data };
  const { path, code, message } = result.error.issues[0]!;
  // What a stranger called a key may be the text of a post.
  const reason = code === "unrecognized_keys" ? "it has a key that does not belong there" : message;
  return { invalid: path.length > 0 ? `${path.join(".")}: ${reason}` : reason };
}

/** A registered JSON Schema puts five bytes in front. */
function parsed(bytes: Uint8Array | string): unknown {
  try {
    const text = typeof bytes === "string" ? bytes : Buffer.from(isFramed(bytes) ? bytes.subarray(5) : bytes);
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
