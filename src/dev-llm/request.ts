import { z } from "zod";

const part = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) }),
]);

/** What is read of a request; fields that servers know and this one does not need are let through. */
const schema = z.object({
  model: z.string().min(1),
  messages: z.array(z.object({ role: z.string(), content: z.union([z.string(), z.array(part)]).nullish() })).min(1),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  response_format: z
    .union([
      z.object({ type: z.literal("json_schema"), json_schema: z.object({ name: z.string(), schema: z.unknown() }) }),
      z.object({ type: z.enum(["text", "json_object"]) }),
    ])
    .nullish(),
});

export interface Message {
  readonly role: string;
  readonly text: string;
}

/** One request, as the modes and the rules of a script see it. */
export interface Asked {
  readonly model: string;
  readonly messages: readonly Message[];
  /** Text of all messages whose role is `user`. */
  readonly user: string;
  /** Text of the last message. */
  readonly last: string;
  /** Data URIs and addresses, in order. */
  readonly images: readonly string[];
  readonly maxTokens: number | undefined;
  readonly stream: boolean;
  readonly usageInStream: boolean;
  /** The JSON Schema that the answer has to fit, where one was given. */
  readonly schema: Readonly<Record<string, unknown>> | undefined;
}

/** Reads the body of a request, or tells what is wrong with it. */
export function readRequest(body: string): Asked | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { problem: `the body is not JSON: ${(error as Error).message}` };
  }
  const { success, data, error } = schema.safeParse(json);
  if (!success) {
    const [issue] = error.issues;
    return { problem: `${issue?.path.join(".") || "body"}: ${issue?.message}` };
  }
  return asked(data);
}

function asked(request: z.output<typeof schema>): Asked {
  const parts = request.messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  const messages = request.messages.map(({ role, content }) => ({ role, text: textOf(content) }));
  const format = request.response_format;
  return {
    model: request.model,
    messages,
    user: messages.flatMap(({ role, text }) => (role === "user" ? [text] : [])).join("\n"),
    last: messages.at(-1)!.text,
    images: parts.flatMap((one) => (one.type === "image_url" ? [one.image_url.url] : [])),
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    stream: request.stream ?? false,
    usageInStream: request.stream_options?.include_usage ?? false,
    schema:
      format?.type === "json_schema" ? (format.json_schema.schema as Readonly<Record<string, unknown>>) : undefined,
  };
}

const textOf = (content: z.output<typeof schema>["messages"][number]["content"]): string =>
  typeof content === "string"
    ? content
    : (content ?? []).flatMap((one) => (one.type === "text" ? [one.text] : [])).join("\n");
