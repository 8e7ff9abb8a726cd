type Schema = Readonly<Record<string, unknown>>;

/** A value of the shape that a JSON Schema describes: what `value` has of it, and the least that will do elsewhere. */
export function fitTo(schema: Schema, value: unknown): unknown {
  if (Array.isArray(schema.enum)) return schema.enum.includes(value) ? value : schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") return fitObject(schema, value);
  if (type === "array") {
    const items = (schema.items ?? {}) as Schema;
    return Array.isArray(value) ? value.map((one) => fitTo(items, one)) : [];
  }
  if (type === "string") return typeof value === "string" ? value : "";
  if (type === "boolean") return typeof value === "boolean" ? value : false;
  if (type === "number" || type === "integer") return typeof value === "number" ? value : 0;
  return value ?? null;
}

function fitObject(schema: Schema, value: unknown): unknown {
  const given = typeof value === "object" && value !== null ? (value as Schema) : {};
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  return Object.fromEntries(Object.entries(properties).map(([name, own]) => [name, fitTo(own, given[name])]));
}
