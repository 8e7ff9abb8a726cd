export { contentMode } from "./cloud-event.ts";
export { type Decode, decoder, type Format, formatSchema } from "./decoder.ts";
export { frame, isFramed } from "./framed.ts";
export { type Message, messagePlace } from "./message.ts";
export { type AvroSchema, type RegisteredSchema, type SchemaRegistry, schemaRegistry } from "./registry.ts";
