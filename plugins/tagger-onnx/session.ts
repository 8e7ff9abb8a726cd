import { env, InferenceSession, listSupportedBackends } from "onnxruntime-node";
import { Fault } from "starling-ner/faults";
import { unknownInputs } from "./feeds.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import type { EngineSpec } from "./messages.ts";
import { countNodes } from "./nodes.ts";
import { isCpu, sessionOptions } from "./provider.ts";

// What goes wrong is thrown, and told by who catches it; the runtime need not write it to standard error as well.
env.logLevel = "fatal";

export interface OpenSession {
  readonly session: InferenceSession;
  readonly provider: string;
  readonly nodes: number | undefined;
  readonly fellBack: number | undefined;
  readonly vocabulary: number | undefined;
}

/** Opens the model on the first of the providers that takes it. */
export async function openSession(spec: EngineSpec): Promise<OpenSession> {
  const { layout } = spec;
  const model = await loadModel(spec.source);
  const providers = layout.fallback ? [...new Set([...layout.providers, "cpu"])] : layout.providers;
  const refusals: string[] = [];
  for (const provider of providers) {
    try {
      const session = await create(model, sessionOptions(provider, layout));
      checkPorts(session, model.file);
      const counted = isCpu(provider) ? undefined : await countNodes(model, spec, sessionOptions(provider, layout));
      return { session, provider, nodes: counted?.nodes, fellBack: counted?.onCpu, vocabulary: model.vocabulary };
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (isCpu(provider)) throw unreadable(model.file, error);
      refusals.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Fault("PROVIDER_UNAVAILABLE", {
    asked: layout.providers.join(", "),
    available: listSupportedBackends()
      .map(({ name }) => name)
      .join(", "),
    hint: `allow fallback, or install a runtime that has it (${refusals.join("; ")})`,
  });
}

export const create = (model: LoadedModel, options: InferenceSession.SessionOptions): Promise<InferenceSession> => {
  const all = model.externalData === undefined ? options : { ...options, externalData: model.externalData };
  return typeof model.graph === "string"
    ? InferenceSession.create(model.graph, all)
    : InferenceSession.create(model.graph, all);
};

function unreadable(file: string, cause: unknown): Fault {
  const what = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
  return new Fault("MODEL_FILE_INVALID", { file, what, hint: "it may be cut short; copy it again" }, { cause });
}

function checkPorts(session: InferenceSession, file: string): void {
  const unknown = unknownInputs(session.inputNames);
  const invalid = (what: string) =>
    new Fault("MODEL_FILE_INVALID", { file, what, hint: "export it for token classification" });
  if (unknown.length > 0) throw invalid(`it asks for inputs this plugin does not know: ${unknown.join(", ")}`);
  if (!["emissions", "logits"].some((name) => session.outputNames.includes(name)))
    throw invalid(`it gives ${session.outputNames.join(", ")}, but no logits`);
  if (!["pooled", "hidden", "last_hidden_state"].some((name) => session.outputNames.includes(name)))
    throw invalid("its hidden states cannot be reached");
}
