import { type Chat, type ChatPrice, type ChatRequest, chat, defineResource, Fault, type Host } from "starling-ner";
import { answerOf } from "./answer.ts";
import { createBatches } from "./batches.ts";
import { type Client, createClient } from "./client.ts";
import { faultOf } from "./faults.ts";
import { nameOf, type Options, options, type Price } from "./options.ts";
import { priceOf, pricesFile, readPrices } from "./prices.ts";
import { bodyOf } from "./request.ts";
import { refusesSchema, type Schemas } from "./schemas.ts";
import { timed } from "./timed.ts";

export default defineResource({
  name: "chat-openai",
  about:
    "A language model behind OpenAI's protocol: OpenAI, vLLM, Ollama, llama.cpp. It sends once; put chat-guard before it.",
  fills: chat,
  options,
  async check(settings, host) {
    if (settings.price !== undefined) return [];
    const path = pricesFile(settings, host);
    if (settings.prices !== undefined) host.reads(path, ["prices"]);
    const wrong = await readPrices(path).then(
      () => undefined,
      (error: Error) => error,
    );
    return wrong === undefined ? [] : [{ option: ["prices"], error: wrong }];
  },
  async open(settings, host) {
    const model = nameOf(settings);
    const known = await priceOf(settings, model, pricesFile(settings, host));
    const price = known && atShare(known, 1);
    if (price === undefined) host.warn("no price is known, so calls are counted as free", { model });
    const client = createClient(settings);
    const schemas = { taken: settings.structured !== "off" };
    const parts = { settings, model, schemas, host };
    const batches = createBatches({ ...parts, price: known && atShare(known, known.batchShare) });
    return {
      model,
      takesImages: settings.takesImages,
      guarded: false,
      settings: settingsOf(settings),
      ...(price !== undefined && { price }),
      ask: createAsk({ ...parts, client, price }),
      batches,
      async close() {
        await Promise.all([client.close(), batches.close()]);
      },
    };
  },
});

const atShare = ({ inputUsd, outputUsd, imageTokens }: Price, share: number): ChatPrice => ({
  inputUsd: inputUsd * share,
  outputUsd: outputUsd * share,
  imageTokens,
});

/** Options that shape an answer. */
const settingsOf = ({ baseURL, imageDetail, structured, sendTemperature, extra }: Options): string =>
  JSON.stringify([baseURL, imageDetail, structured, sendTemperature, extra]);

interface Parts {
  readonly client: Client;
  readonly settings: Options;
  readonly model: string;
  readonly price: Chat["price"];
  readonly schemas: Schemas;
  readonly host: Host;
}

function createAsk({ client, settings, model, price, schemas, host }: Parts): Chat["ask"] {
  const place = { model, apiKey: settings.apiKey };

  const send = async (request: ChatRequest, signal: AbortSignal, structured: boolean) => {
    try {
      const body: unknown = await client.openai.chat.completions.create(bodyOf(request, settings, structured), {
        signal,
      });
      return answerOf(body, { model, request, price, structured });
    } catch (error) {
      throw error instanceof Fault ? error : faultOf(error, place);
    }
  };

  return (request, signal) =>
    timed({ request, signal, model, timeoutMs: settings.timeoutMs }, async (signal) => {
      if (!settings.takesImages && request.messages.some(({ images = [] }) => images.length > 0))
        throw new Fault("CHAT_REFUSED", { model, status: 400, reason: "takesImages is off, and an image was given" });
      const structured = request.schema !== undefined && schemas.taken;
      try {
        return await send(request, signal, structured);
      } catch (error) {
        if (!structured || settings.structured === "on" || !refusesSchema(error)) throw error;
        // Not a second try: the server does not know this part of the protocol, and made no answer.
        schemas.taken = false;
        host.warn("the server takes no schema for answers, so it gets none", {
          model,
          reason: (error as Error).message,
        });
        return send(request, signal, false);
      }
    });
}
