import { likelyTokens, usdOf, worstUsd } from "../chat/cost.ts";
import { type Chat, type ChatAnswer, type ChatPrice, type ChatRequest, chat as chatPort } from "../chat.ts";
import { Fault, isFault } from "../errors.ts";
import type { Plan } from "../plan.ts";
import type { Questions } from "./questions.ts";

/** Tokens that an answer of the usual length has. */
const USUAL_ANSWER = 150;

export interface Meter {
  /** While it is true nothing is sent: every request is measured and refused. */
  estimating: boolean;
  /** Models that were asked, or would have been. */
  readonly models: Set<string>;
  /** Models without a price. */
  readonly unpriced: Set<string>;
  requests: number;
  /** While estimating: questions that are answered already, or under way. */
  known: number;
  inputTokens: number;
  outputTokens: number;
  /** While estimating: what the requests would probably cost, and at most. */
  usd: number;
  worstUsd: number;
  /** Calls that were sent and not yet answered. */
  underWay: number;
  /** The last failure of a call; that a circuit is open only where nothing else was told before. */
  lastFault: Fault | undefined;
  /** Aborts once a guard leaves the model alone: whoever asks on gets nothing. */
  readonly circuitOpen: AbortController;
}

/**
 * The same plan, whose language models are measured where stages borrow them; those that only a guard stands before are
 * left as they are.
 */
export function metered(plan: Plan, meter: Meter, questions?: Questions): Plan {
  const borrowed = new Set(
    plan.stages.flatMap(({ plugin, options }) => (plugin.borrows?.(options) ?? []).map(({ name }) => name)),
  );
  const resources = plan.resources.map((resource) => {
    const { plugin, name } = resource;
    if (plugin.fills.name !== chatPort.name || !borrowed.has(name)) return resource;
    const open: typeof plugin.open = async (options, host) =>
      measured(
        name,
        (await plugin.open(options, host)) as unknown as Chat & { close?(): Promise<void> },
        meter,
        questions,
      );
    return { ...resource, plugin: { ...plugin, open } };
  });
  return { ...plan, resources };
}

export function createMeter(): Meter {
  return {
    estimating: false,
    models: new Set(),
    unpriced: new Set(),
    requests: 0,
    known: 0,
    inputTokens: 0,
    outputTokens: 0,
    usd: 0,
    worstUsd: 0,
    underWay: 0,
    lastFault: undefined,
    circuitOpen: new AbortController(),
  };
}

function measured<C extends Chat>(name: string, inner: C, meter: Meter, questions: Questions | undefined): C {
  const direct = async (request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> => {
    meter.requests++;
    return paid(await watched(() => inner.ask(request, signal), meter), meter);
  };
  const { ask: send, look } = questions?.of(name, inner, direct) ?? { ask: direct, look: inner.batches?.known };
  const ask = async (request: ChatRequest, signal: AbortSignal): Promise<ChatAnswer> => {
    meter.models.add(inner.model);
    if (inner.price === undefined) meter.unpriced.add(inner.model);
    if (!meter.estimating) return send(request, signal);
    const found = look?.(request);
    if (found !== undefined) meter.known++;
    // What comes after it is measured with it: a question with its caption.
    if (found !== undefined && found !== "settled") return found;
    if (found === undefined) {
      meter.requests++;
      estimate((questions && inner.batches?.price) ?? inner.price, request, meter);
    }
    throw new Fault("CHAT_OVER_BUDGET", { model: inner.model, usd: 0, leftUsd: 0 });
  };
  return { ...inner, ask };
}

/** Counts what an answer took. */
export function paid(answer: ChatAnswer, meter: Meter): ChatAnswer {
  meter.inputTokens += answer.usage.inputTokens;
  meter.outputTokens += answer.usage.outputTokens;
  meter.usd += answer.usd;
  return answer;
}

async function watched<T>(call: () => Promise<T>, meter: Meter): Promise<T> {
  meter.underWay++;
  try {
    return await call();
  } catch (error) {
    const open = isFault(error) && error.code === "CHAT_CIRCUIT_OPEN";
    if (isFault(error) && !(open && meter.lastFault)) meter.lastFault = error;
    if (open) meter.circuitOpen.abort();
    throw error;
  } finally {
    meter.underWay--;
  }
}

function estimate(price: ChatPrice | undefined, request: ChatRequest, meter: Meter): void {
  const inputTokens = likelyTokens(request, price?.imageTokens) - request.maxTokens;
  const outputTokens = Math.min(request.maxTokens, USUAL_ANSWER);
  meter.inputTokens += inputTokens;
  meter.outputTokens += outputTokens;
  if (price === undefined) return;
  meter.usd += usdOf({ inputTokens, outputTokens }, price);
  meter.worstUsd += worstUsd(request, price);
}
