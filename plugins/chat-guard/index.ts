import { chat, defineResource, Fault } from "starling-ner";
import { guardChat } from "starling-ner/chat";
import { ageMs, options } from "./options.ts";

export default defineResource({
  name: "chat-guard",
  about: "Retries, rate limits, a circuit breaker, a daily budget and a cache before any language model.",
  fills: chat,
  options,
  borrows: ({ chat: name }) => [{ port: chat, name }],
  foretell: async ({ chat: name }, host) => (await host.foretold(name)) ?? {},
  async check({ chat: name, budget }, host) {
    const inner = budget === undefined ? undefined : await host.foretold(name);
    if (inner === undefined || !("price" in inner) || inner.price !== undefined) return [];
    return [{ option: ["budget"], error: new Fault("CHAT_PRICE_UNKNOWN", { model: String(inner.model) }) }];
  },
  async open(settings, host) {
    const { budget, cache, ...rest } = settings;
    return guardChat(
      host.borrow(chat, settings.chat),
      {
        ...rest,
        budget: budget && { ...budget, file: host.resolve(budget.file) },
        cache: {
          ...cache,
          maxAgeMs: ageMs(cache.maxAgeDays),
          file: cache.file === undefined ? undefined : host.resolve(cache.file),
        },
      },
      host,
    );
  },
});
