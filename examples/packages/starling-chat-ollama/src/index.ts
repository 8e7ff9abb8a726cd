import { chat, defineResource, z } from "starling-ner";
import { ask } from "./ask.ts";

const options = z.strictObject({
  /** Of the server; Ollama's own by default. */
  url: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:11434"),
  /** As `ollama list` names it. */
  model: z.string().min(1),
  /** Whether the model sees pictures. */
  takesImages: z.boolean().default(false),
  /** Time limit of one call, in milliseconds. */
  timeoutMs: z.int().positive().default(60_000),
});

export default defineResource({
  name: "chat-ollama",
  about: "A language model behind Ollama's own protocol.",
  fills: chat,
  options,
  async open({ url, model, takesImages, timeoutMs }) {
    const place = { endpoint: new URL("/api/chat", url), model, name: `ollama/${model}`, takesImages, timeoutMs };
    return {
      model: place.name,
      takesImages,
      // Sends once: retries, limits and a budget are those of a chat-guard before it.
      guarded: false,
      ask: (request, signal) => ask(place, request, signal),
    };
  },
});
