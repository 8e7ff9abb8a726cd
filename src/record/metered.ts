import { AsyncLocalStorage } from "node:async_hooks";
import { type Chat, type ChatAnswer, type ChatRequest, chat as chatPort } from "../chat.ts";
import { Fault } from "../errors.ts";
import type { Plan } from "../plan.ts";
import { createDirect } from "./direct.ts";
import { estimate, type Meter } from "./meter.ts";
import type { Purse } from "./purse.ts";
import type { Questions } from "./questions.ts";
import type { Turns } from "./turns.ts";

export interface Parts {
  readonly meter: Meter;
  readonly purse: Purse;
  readonly turns: Turns;
  /** One by one without them. */
  readonly questions: Questions | undefined;
}

/**
 * The same plan, whose language models are measured where stages borrow them, and paid for from the purse where they send: behind
 * all guards.
 */
export function metered(plan: Plan, parts: Parts): Plan {
  const borrowed = new Set(
    plan.stages.flatMap(({ plugin, options }) => (plugin.borrows?.(options) ?? []).map(({ name }) => name)),
  );
  const resources = plan.resources.map((resource) => {
    const { plugin, name } = resource;
    if (plugin.fills.name !== chatPort.name) return resource;
    const sends = !plugin.borrows?.(resource.options).some(({ port }) => port.name === chatPort.name);
    const open: typeof plugin.open = async (options, host) => {
      const chat = (await plugin.open(options, host)) as unknown as Chat & { close?(): Promise<void> };
      const paid = sends ? parts.purse.before(chat) : chat;
      if (!borrowed.has(name)) return paid;
      // Here, and not where it is asked: the posts that the cost is estimated from may not ask it.
      if (paid.price === undefined) parts.meter.unpriced.add(paid.model);
      return measured(name, paid, parts);
    };
    return { ...resource, plugin: { ...plugin, open } };
  });
  return { ...plan, resources };
}

/** A guard's question to the model behind it, which another stage may borrow as well: it is measured and has its turn already. */
const behind = new AsyncLocalStorage<true>();

function measured<C extends Chat>(name: string, inner: C, parts: Parts): C {
  const { meter, questions } = parts;
  const direct = createDirect(inner, parts);
  const { ask: send, look } = questions?.of(name, inner, direct) ?? { ask: direct, look: inner.known };
  const ask = async (request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> => {
    if (behind.getStore()) return inner.ask(request, signal);
    meter.models.add(inner.model);
    if (!meter.estimating) return behind.run(true, () => send(request, signal));
    const found = look?.(request);
    if (found !== undefined) meter.known++;
    // What comes after it is measured with it: a question with its caption.
    if (found !== undefined && found !== "settled") return found;
    if (found === undefined) estimate((questions && inner.batches?.price) ?? inner.price, request, meter);
    throw new Fault("CHAT_OVER_BUDGET", { model: inner.model, usd: 0, leftUsd: 0 });
  };
  return { ...inner, ask };
}
