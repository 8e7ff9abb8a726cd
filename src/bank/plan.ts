import { join, resolve } from "node:path";
import { type Bank, bank as bankPort } from "../bank.ts";
import { type ConfigText, parseConfigText } from "../config/index.ts";
import { Fault } from "../errors.ts";
import type { OpenStage } from "../flow/types.ts";
import type { Log } from "../host.ts";
import { openParts } from "../open.ts";
import { packageRoot } from "../package-root.ts";
import type { Plan } from "../plan.ts";

export interface RetrieverChoice {
  /** Its folder; the model that comes with the package by default. */
  readonly model?: string | undefined;
  /** Plugin that opens it. */
  readonly tagger?: string | undefined;
  /** The bank that comes with the package by default. */
  readonly bank?: string | undefined;
  readonly n?: number | undefined;
  readonly cache?: string | undefined;
}

/** The smallest config that retrieves: a bank, a tagger, and the stage. Paths start where the user is. */
export function retrieverConfig({ model, tagger = "tagger-onnx", bank, n, cache }: RetrieverChoice): ConfigText {
  const folder = model === undefined ? join(packageRoot, "models/default") : resolve(model);
  const path = bank === undefined ? join(packageRoot, "banks/default.ndjson") : resolve(bank);
  const options = { ...(n !== undefined && { n }), ...(cache !== undefined && { cache: resolve(cache) }) };
  const config = {
    resources: {
      tagger: { use: tagger, options: { model: folder } },
      bank: { use: "bank-file", options: { path } },
    },
    stages: [{ use: "retriever-msea", options }],
  };
  // JSON is YAML; a "${" in a path must stay as it is.
  const text = parseConfigText("{}", "starling bank", {});
  return { ...text, folder: process.cwd(), value: config, shown: config };
}

/** An open retriever; `close` ends it and what it borrows. */
export interface OpenRetriever {
  readonly stage: OpenStage["stage"];
  /** The bank that it borrows, where it borrows one. */
  readonly bank: Bank | undefined;
  close(): Promise<void>;
}

/** Opens the stages of a plan that give `neighbours`, with what they borrow and nothing else. Throws USAGE where there is none. */
export async function openRetriever(plan: Plan, log: Log): Promise<OpenRetriever> {
  const stages = plan.stages.filter(({ plugin }) => (plugin.gives as readonly string[]).includes("neighbours"));
  if (stages.length === 0)
    throw new Fault("USAGE", {
      what: `${plan.text.file} has no stage that gives neighbours`,
      help: "add retriever-msea to its stages, or leave the config out",
    });
  const parts = await openParts({ ...plan, stages, resources: lentTo(plan, stages) }, { log });
  const bank = [...parts.resources.values()].find(({ port }) => port === bankPort.name)?.value as Bank | undefined;
  return { stage: parts.stages[0]!.stage, bank, close: parts.close };
}

/** The resources that some stages borrow, and what those borrow, in the order in which they open. */
function lentTo({ resources }: Plan, stages: Plan["stages"]): Plan["resources"] {
  const wanted = new Set(stages.flatMap(({ plugin, options }) => (plugin.borrows?.(options) ?? []).map(nameOf)));
  for (const { name, plugin, options } of resources.toReversed())
    if (wanted.has(name)) for (const borrow of plugin.borrows?.(options) ?? []) wanted.add(borrow.name);
  return resources.filter(({ name }) => wanted.has(name));
}

const nameOf = ({ name }: { readonly name: string }): string => name;
