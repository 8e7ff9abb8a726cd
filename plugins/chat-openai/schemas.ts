import { isFault } from "starling-ner";

/** Whether the server is asked to hold answers to schemas; it may turn out not to know them. */
export interface Schemas {
  taken: boolean;
}

/** Whether a server refused a request because of the schema in it, not of what was asked. */
export function refusesSchema(error: unknown): boolean {
  if (!isFault(error) || error.code !== "CHAT_REFUSED") return false;
  const { status, reason } = error.details as { status: number; reason: string };
  const param = (error.cause as { param?: unknown } | undefined)?.param;
  return (
    [400, 422, 501].includes(status) && /response_format|json[_ ]schema|structured|grammar/i.test(`${param} ${reason}`)
  );
}
