import { type CheckHost, chat, defineResource, Fault, type Refusal, type z } from "starling-ner";
import { checkApart, checkStore, guardChat } from "starling-ner/chat";
import { ageMs, options } from "./options.ts";

export default defineResource({
  name: "chat-guard",
  about: "Retries, rate limits, a circuit breaker, a daily budget and a cache before any language model.",
  fills: chat,
  options,
  borrows: ({ chat: name }) => [{ port: chat, name }],
  foretell: async ({ chat: name }, host) => (await host.foretold(name)) ?? {},
  async check(settings, host) {
    const { chat: name, budget } = settings;
    const files = wrongFiles(settings, host);
    const inner = budget === undefined ? undefined : await host.foretold(name);
    if (inner === undefined || !("price" in inner) || inner.price !== undefined) return files;
    return [{ option: ["budget"], error: new Fault("CHAT_PRICE_UNKNOWN", { model: String(inner.model) }) }, ...files];
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

type Files = Pick<z.output<typeof options>, "budget" | "cache">;

/** Files of budget and cache that cannot be kept. */
function wrongFiles({ budget, cache }: Files, { resolve }: Pick<CheckHost, "resolve">): Refusal[] {
  const [spent, answers] = [budget?.file, cache.file].map((file) => (file === undefined ? file : resolve(file)));
  const wrong = (option: Refusal["option"], look: () => void): Refusal[] => {
    try {
      look();
      return [];
    } catch (error) {
      return [{ option, error: error as Error }];
    }
  };
  return [
    ...wrong(["budget", "file"], () => spent !== undefined && checkStore(spent)),
    ...wrong(["cache", "file"], () => answers !== undefined && checkStore(answers)),
    ...wrong(["cache", "file"], () => checkApart(spent, answers)),
  ];
}
