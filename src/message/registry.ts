import { definePort } from "../plugin.ts";

/** A schema that a registry keeps under a number. */
export type RegisteredSchema = AvroSchema | { readonly id: number; readonly type: "json" };

export interface AvroSchema {
  readonly id: number;
  readonly type: "avro";
  /** Plain data, as JSON would have it: nulls of records left out, bytes in base64. Throws where the bytes do not fit. */
  read(body: Uint8Array): unknown;
  /** Throws where the value does not fit. */
  write(value: unknown): Uint8Array;
}

/** Schemas by the number that stands in front of a message: what Confluent's registry, and those that speak like it, keep. */
export interface SchemaRegistry {
  /** The schema, where it is here already: a number never changes its schema. */
  known(id: number): RegisteredSchema | undefined;
  /** Rejects with SCHEMA_UNKNOWN, SCHEMA_UNREADABLE, or REGISTRY_UNAVAILABLE, after which asking again may help. */
  schema(id: number, signal?: AbortSignal): Promise<RegisteredSchema>;
  /** The newest schema of a subject; rejects as `schema` does. */
  latest(subject: string, signal?: AbortSignal): Promise<RegisteredSchema>;
}

export const schemaRegistry = definePort<SchemaRegistry>("schema-registry@1");
