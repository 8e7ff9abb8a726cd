import { bank as bankPort, chat as chatPort, defineStage, pass } from "starling-ner";
import { asker } from "./ask.ts";
import { options } from "./options.ts";
import { promptFolder, readPrompt } from "./prompt.ts";

export default defineStage({
  name: "knowledge-chat",
  about: "Asks an LLM which names a post holds, with similar examples.",
  needs: ["neighbours"],
  uses: ["captions", "ask", "feature"],
  gives: ["knowledge"],
  options,
  borrows: ({ chat, bank }) => [
    { port: chatPort, name: chat },
    { port: bankPort, name: bank },
  ],
  limits: ({ deadlineMs }) => ({ deadlineMs }),
  async check({ prompt, structured }, host) {
    return readPrompt(promptFolder(prompt, host.resolve), structured).then(
      () => [],
      (error: Error) => [{ option: ["prompt"], error }],
    );
  },
  async open(settings, host) {
    const chat = host.borrow(chatPort, settings.chat);
    const bank = host.borrow(bankPort, settings.bank);
    const prompt = await readPrompt(promptFolder(settings.prompt, host.resolve), settings.structured);
    if (!chat.guarded)
      host.warn("nothing guards the LLM: no retries, no limits, no budget; put a chat-guard before it", {
        chat: settings.chat,
      });
    const { ask, known, arrived } = asker({ chat, bank, prompt, options: settings, host });
    return {
      version: prompt.version,
      quick(view) {
        if (view.facts.ask?.yes === false) return pass(view.facts.ask.reason);
        arrived(view.post);
        return known(view);
      },
      run: (batch, signal) => Promise.all(batch.map((view) => ask(view, signal))),
    };
  },
});
