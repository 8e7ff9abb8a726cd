import { APIError } from "openai";
import { type ChatAnswer, type ChatPrice, type ChatRequest, Fault, type Host, z } from "starling-ner";
import { answerOf } from "./answer.ts";
import { faultOf, type Place, shownOf } from "./faults.ts";
import { refusesSchema, type Schemas } from "./schemas.ts";

/** What is read of a line in a file of answers or of errors. */
const lineShape = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});
type Line = z.output<typeof lineShape>;

/** What is told of a request that a batch did not come to. */
const LEFT = /^batch_(expired|cancelled)$/;

interface Asked extends Place {
  readonly batch: string;
  readonly requests: ReadonlyMap<string, ChatRequest>;
  readonly price: ChatPrice | undefined;
  readonly schemas: Schemas;
  /** Whether a server that refuses a schema gets none from then on. */
  readonly mayLeaveSchema: boolean;
}

/** Answers and faults by key. A line that is none is left out, and told once. */
export function* readLines(
  text: string,
  asked: Asked,
  host: Pick<Host, "warn">,
): Generator<readonly [string, ChatAnswer | Fault]> {
  let broken = 0;
  for (const written of linesOf(text)) {
    const line = parsed(written);
    if (line === undefined) broken++;
    else yield [line.custom_id, resultOf(line, asked, host)];
  }
  if (broken > 0)
    host.warn("lines of a batch's result cannot be read", { model: asked.model, batch: asked.batch, lines: broken });
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end < 0 ? undefined : end).trim();
    if (line !== "") yield line;
    at = end < 0 ? text.length : end + 1;
  }
}

function parsed(line: string): Line | undefined {
  try {
    return lineShape.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function resultOf({ custom_id, response, error }: Line, asked: Asked, host: Pick<Host, "warn">): ChatAnswer | Fault {
  const { model, batch, price, schemas } = asked;
  if (!response) {
    const reason = shownOf(error?.message ?? error?.code ?? "it has neither answer nor error", asked);
    const [, left] = LEFT.exec(error?.code ?? "") ?? [];
    if (left !== undefined) return new Fault("CHAT_BATCH_ENDED", { model, batch, status: left, reason });
    return new Fault("CHAT_FAILED", { model, status: 500, reason });
  }
  const request = asked.requests.get(custom_id);
  if (response.status_code >= 400) {
    const { status_code, body } = response;
    const fault = faultOf(APIError.generate(status_code, body as object, undefined, new Headers()), asked);
    if (!asked.mayLeaveSchema || !refusesSchema(fault)) return fault;
    // The server does not know this part of the protocol, and made no answer: the next batch goes without.
    if (schemas.taken)
      host.warn("the server takes no schema for answers, so it gets none", { model, reason: fault.message });
    schemas.taken = false;
    return new Fault("CHAT_FAILED", { model, status: status_code, reason: fault.message }, { cause: fault });
  }
  try {
    return answerOf(response.body, {
      model,
      request,
      price,
      structured: request?.schema !== undefined && schemas.taken,
    });
  } catch (fault) {
    return fault as Fault;
  }
}
