import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isFault } from "../errors.ts";
import { asError } from "../flow/transit.ts";
import { fail, type Outcome, pass } from "../outcome.ts";
import { type Place, toPost } from "../schema/decode.ts";
import type { Post } from "../schema/post.ts";
import { type CloudEvent, cloudEvent, cloudPost, completed, contentMode } from "./cloud-event.ts";
import { bodyValue, isFramed, unframe } from "./framed.ts";
import { jsonPost } from "./json.ts";
import { inside, type Message } from "./message.ts";
import type { RegisteredSchema, SchemaRegistry } from "./registry.ts";

export const formatSchema = z
  .strictObject({
    kind: z
      .enum(["auto", "json", "cloudevents", "registry"])
      .default("auto")
      .describe(
        "auto: CloudEvents where headers say so, else a registered schema where the first byte says so, else JSON",
      ),
    registry: z.string().optional().describe("A resource that fills schema-registry@1; `registry` needs it"),
  })
  .refine(({ kind, registry }) => kind !== "registry" || registry !== undefined, {
    path: ["registry"],
    error: "kind registry needs the name of a resource that fills schema-registry@1",
  });

export type Format = z.output<typeof formatSchema>;

/**
 * The post of a message. A promise only where a schema has to be fetched first; with a `signal` it waits for a registry
 * that is down, until that aborts. A fault with `retry` says that the message may be read at another time.
 */
export type Decode = (message: Message, place: Place, signal?: AbortSignal) => Outcome<Post> | Promise<Outcome<Post>>;

/** `registry` is what the format's registry was opened to. */
export function decoder({ kind }: Pick<Format, "kind">, registry?: SchemaRegistry): Decode {
  const framed = (bytes: Uint8Array) => registry !== undefined && isFramed(bytes);
  return ({ bytes, headers }, place, signal) => {
    if (bytes === null) return pass("tombstone");
    const event = kind === "cloudevents" || (kind === "auto" && contentMode(headers) !== "none");
    if (event) return fromCloudEvent({ bytes, headers }, place, registry, signal);
    if (kind === "registry" || (kind === "auto" && framed(bytes)))
      return registered(bytes, place, registry!, signal, (value) => toPost(value, place));
    return jsonPost(bytes, place);
  };
}

function fromCloudEvent(
  message: Message & { readonly bytes: Uint8Array },
  place: Place,
  registry: SchemaRegistry | undefined,
  signal: AbortSignal | undefined,
) {
  const read = cloudEvent(message, place);
  if (read.kind !== "ok") return read;
  const { data, attributes }: CloudEvent = read.value;
  if (registry === undefined || data?.kind !== "bytes" || !isFramed(data.bytes)) return cloudPost(read.value);
  return registered(data.bytes, inside(place, "data"), registry, signal, (value) =>
    toPost(completed(value, attributes), inside(place, "data")),
  );
}

function registered(
  bytes: Uint8Array,
  place: Place,
  registry: SchemaRegistry,
  signal: AbortSignal | undefined,
  postOf: (value: unknown) => Outcome<Post>,
): Outcome<Post> | Promise<Outcome<Post>> {
  const framed = unframe(bytes, place);
  if (framed.kind !== "ok") return framed;
  const { id, body } = framed.value;
  const read = (schema: RegisteredSchema): Outcome<Post> => {
    const value = bodyValue(schema, body, place);
    return value.kind === "ok" ? postOf(value.value) : value;
  };
  const known = registry.known(id);
  return known === undefined
    ? fetched(registry, id, signal).then(read, (error: unknown) => fail(asError(error)))
    : read(known);
}

/** Between tries to reach a registry that is down, in milliseconds. */
const [FIRST_MS, LONGEST_MS] = [200, 5000];

/** Where it can be told to stop, it waits for a registry that is down: every post behind this one needs it too. */
async function fetched(
  registry: SchemaRegistry,
  id: number,
  signal: AbortSignal | undefined,
): Promise<RegisteredSchema> {
  for (let waitMs = FIRST_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_MS)) {
    try {
      return await registry.schema(id, signal);
    } catch (error) {
      if (signal === undefined || signal.aborted || !isFault(error) || !error.retry) throw error;
    }
    await sleep(waitMs, undefined, { signal });
  }
}
