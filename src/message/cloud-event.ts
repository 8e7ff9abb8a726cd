import { Fault } from "../errors.ts";
import { fail, mapOk, type Outcome, ok } from "../outcome.ts";
import { type Place, parseJson, toPost } from "../schema/decode.ts";
import type { Post } from "../schema/post.ts";
import { inside, type Message, textOf } from "./message.ts";

/** Attributes of a CloudEvent that a post has use for. */
interface Attributes {
  readonly id: string;
  readonly time: string | undefined;
}

/** Where an event carries its data: as bytes of a media type, or as a value that was parsed with the event. */
export type CloudData =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly mediaType: string }
  | { readonly kind: "value"; readonly value: unknown };

export interface CloudEvent {
  readonly attributes: Attributes;
  /** Null where the event has none. */
  readonly data: CloudData | null;
  readonly place: Place;
}

export type ContentMode = "binary" | "structured" | "batch" | "none";

/** How headers say that a message is a CloudEvent, by the Kafka protocol binding 1.0; `none` where it is not one. */
export function contentMode(headers: Message["headers"]): ContentMode {
  const type = headers["content-type"];
  if (type !== undefined && /^application\/cloudevents/i.test(type))
    return /^application\/cloudevents-batch/i.test(type) ? "batch" : "structured";
  return headers.ce_specversion === undefined ? "none" : "binary";
}

/** Reads the event of a message; its data is still as it came. Fails with CLOUDEVENT_INVALID, or as JSON does. */
export function cloudEvent({ bytes, headers }: Message & { readonly bytes: Uint8Array }, place: Place) {
  switch (contentMode(headers)) {
    case "binary":
      return binary(bytes, headers, place);
    case "structured":
      return structured(bytes, headers["content-type"]!, place);
    case "batch":
      return refused(place, "it is a batch of events; send each event as a message of its own");
    default:
      return refused(
        place,
        "neither ce_specversion nor a content-type of application/cloudevents is among its headers",
      );
  }
}

/** The post that an event carries: the data, completed with the event's `id` and `time`. */
export function cloudPost({ attributes, data, place }: CloudEvent): Outcome<Post> {
  if (data === null) return refused(place, "it has no data, and the post is the data");
  if (data.kind === "value") return toPost(completed(data.value, attributes), inside(place, "data"));
  const text = textOf(data.bytes, inside(place, "data"));
  if (text.kind !== "ok") return text;
  if (isJson(data.mediaType)) {
    const parsed = parseJson(text.value, inside(place, "data"));
    return parsed.kind === "ok" ? toPost(completed(parsed.value, attributes), inside(place, "data")) : parsed;
  }
  if (data.mediaType.startsWith("text/")) return toPost(completed(text.value, attributes), inside(place, "data"));
  return refused(place, `data of the type ${data.mediaType} is not read here; send application/json or text/plain`);
}

/** What data says of itself counts; the event says what is missing. Plain text is a post that is only text. */
export function completed(data: unknown, { id, time }: Attributes): unknown {
  const post = typeof data === "string" ? { text: data } : data;
  if (typeof post !== "object" || post === null || Array.isArray(post)) return post;
  return { id, ...(time !== undefined && { createdAt: time }), ...post };
}

function binary(bytes: Uint8Array, headers: Message["headers"], place: Place): Outcome<CloudEvent> {
  const attributes = attributesOf((name) => headers[`ce_${name}`], place);
  if (attributes.kind !== "ok") return attributes;
  const mediaType = mediaTypeOf(headers["content-type"] ?? headers.ce_datacontenttype);
  return ok({ attributes: attributes.value, data: { kind: "bytes", bytes, mediaType }, place });
}

function structured(bytes: Uint8Array, contentType: string, place: Place): Outcome<CloudEvent> {
  const format = mediaTypeOf(contentType);
  if (format !== "application/cloudevents" && format !== "application/cloudevents+json")
    return refused(place, `the event format ${format} is not read here; send application/cloudevents+json`);
  const text = textOf(bytes, place);
  if (text.kind !== "ok") return text;
  const parsed = parseJson(text.value, place);
  if (parsed.kind !== "ok") return parsed;
  const event = parsed.value;
  if (typeof event !== "object" || event === null || Array.isArray(event))
    return refused(place, "a structured event is a JSON object");
  const fields = event as Readonly<Record<string, unknown>>;
  const attributes = attributesOf((name) => fields[name], place);
  if (attributes.kind !== "ok") return attributes;
  const read = structuredData(fields, place);
  return mapOk(read, (data) => ({ attributes: attributes.value, data, place }));
}

function structuredData(fields: Readonly<Record<string, unknown>>, place: Place): Outcome<CloudData | null> {
  const { data, data_base64: base64, datacontenttype } = fields;
  if (data !== undefined && base64 !== undefined) return refused(place, "data and data_base64 exclude each other");
  if (base64 !== undefined) {
    if (typeof base64 !== "string" || !isBase64(base64)) return refused(place, "data_base64 is not base64");
    const mediaType = mediaTypeOf(typeof datacontenttype === "string" ? datacontenttype : undefined);
    return ok({ kind: "bytes", bytes: Buffer.from(base64, "base64"), mediaType });
  }
  return ok(data === undefined ? null : { kind: "value", value: data });
}

function attributesOf(read: (name: string) => unknown, place: Place): Outcome<Attributes> {
  const version = read("specversion");
  if (typeof version !== "string" || !/^1\.\d+$/.test(version))
    return refused(place, `specversion is ${JSON.stringify(version) ?? "missing"}, and 1.0 is read here`);
  for (const name of ["id", "source", "type"]) {
    const value = read(name);
    if (typeof value !== "string" || value === "")
      return refused(place, `the attribute ${name} is ${value === undefined ? "missing" : "no text"}`);
  }
  const time = read("time");
  if (time !== undefined && time !== null && typeof time !== "string")
    return refused(place, "the attribute time is no text");
  return ok({ id: read("id") as string, time: time ?? undefined });
}

/** JSON where nothing is said; without parameters such as a charset, which JSON has not. */
const mediaTypeOf = (contentType: string | undefined): string =>
  contentType === undefined ? "application/json" : contentType.split(";", 1)[0]!.trim().toLowerCase();

const isJson = (mediaType: string) => /^(?:application|text)\/(?:json|.*\+json)$/.test(mediaType);
const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

const refused = (place: Place, reason: string): Outcome<never> =>
  fail(new Fault("CLOUDEVENT_INVALID", { where: place.where(), reason }));
