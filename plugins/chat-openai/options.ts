import { z } from "starling-ner";

export const OPENAI = "https://api.openai.com/v1";
const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Fields of a request that options set, or that would change what comes back or what it costs. */
const OURS = [
  ...["model", "messages", "temperature", "response_format", "max_tokens", "max_completion_tokens"],
  ...["n", "best_of", "stream", "stream_options", "tools", "tool_choice", "functions", "function_call"],
  ...["audio", "modalities", "prediction", "service_tier", "web_search_options"],
];

export const price = z.strictObject({
  inputUsd: z.number().nonnegative().describe("US dollars for a million tokens of input"),
  outputUsd: z.number().nonnegative().describe("US dollars for a million tokens of output"),
  imageTokens: z.int().nonnegative().default(0).describe("Tokens that one image is charged as, at most"),
  batchShare: z.number().positive().max(1).default(1).describe("Share of the price that a request in a batch costs"),
});

export type Price = z.output<typeof price>;

export const options = z
  .strictObject({
    model: z.string().min(1).describe("As the server calls it, such as gpt-4.1-mini"),
    baseURL: z
      .url({ protocol: /^https?$/ })
      .default(OPENAI)
      .describe("Where the server's protocol begins, usually ending in /v1"),
    apiKey: z
      .string()
      .min(1)
      .optional()
      .describe("Left out where the server wants none; take it from the environment or a file"),
    organization: z.string().min(1).optional(),
    project: z.string().min(1).optional(),
    provider: z
      .string()
      .regex(/^[\w.:-]+$/, "wants letters, digits and . _ : -")
      .optional()
      .describe("The name before the model's in events and prices; openai, or the server's host"),
    takesImages: z.boolean().default(false).describe("Whether the model sees pictures"),
    imageDetail: z.enum(["auto", "low", "high"]).default("auto").describe("How closely it looks at them"),
    structured: z
      .enum(["auto", "on", "off"])
      .default("auto")
      .describe("Whether the server is asked to hold answers to a schema; auto leaves it once the server refuses that"),
    tokenCap: z
      .enum(["max_completion_tokens", "max_tokens"])
      .default("max_completion_tokens")
      .describe("The field that limits an answer; older servers and Ollama know max_tokens only"),
    sendTemperature: z.boolean().default(true).describe("Off for models that refuse any temperature but their own"),
    extra: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("Other fields of the request, such as { reasoning_effort: minimal }"),
    timeoutMs: z.int().positive().default(60_000).describe("Time limit of one call, milliseconds"),
    maxBytes: z.int().positive().default(1_048_576).describe("Bytes of a response, at most"),
    prices: z.string().min(1).optional().describe("File of prices; the package's own config/prices.yaml by default"),
    price: price
      .optional()
      .describe("What the model costs, instead of the file: { inputUsd, outputUsd, imageTokens, batchShare }"),
  })
  .superRefine(({ baseURL, apiKey, price, prices, takesImages, extra }, context) => {
    const refuse = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    for (const field of Object.keys(extra))
      if (OURS.includes(field))
        refuse("extra", `may not have "${field}": it changes what comes back, or what it costs`);
    if (takesImages && price !== undefined && price.inputUsd > 0 && price.imageTokens === 0)
      refuse("price", "wants imageTokens, as images are sent: what one is charged as, at most");
    const place = URL.parse(baseURL);
    if (place === null) return;
    if (place.username !== "" || place.password !== "")
      refuse("baseURL", "holds a name or a password, which messages would show; use apiKey");
    if (place.search !== "" || place.hash !== "") refuse("baseURL", "has a query or a fragment; end it with the path");
    if (apiKey !== undefined && place.protocol === "http:" && !loopback.test(place.hostname))
      refuse("baseURL", "would send the key unencrypted; use https");
    if (apiKey === undefined && baseURL === OPENAI) refuse("apiKey", "is wanted by OpenAI's own server");
    if (price !== undefined && prices !== undefined) refuse("prices", "and price exclude each other");
  });

export type Options = z.output<typeof options>;

/** Provider and model, as events, prices and faults name them. */
export function nameOf({ provider, baseURL, model }: Options): string {
  const { host } = new URL(baseURL);
  return `${provider ?? (host === "api.openai.com" ? "openai" : host)}/${model}`;
}
