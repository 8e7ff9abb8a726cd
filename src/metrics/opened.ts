import type { Registry } from "prom-client";
import type { OpenResource } from "../host.ts";
import type { Source } from "../plugin.ts";
import { named } from "./catalogue.ts";
import { boundedLabel } from "./labels.ts";
import { createNumbers } from "./numbers.ts";

export interface Observed {
  readonly source: Pick<Source, "health">;
  readonly resources: ReadonlyMap<string, OpenResource>;
}

/** What the open parts of a pipeline say of themselves. */
export function tellOpened(registry: Registry, { source, resources }: Observed): void {
  const values = [...resources.values()].map(({ value }) => (value ?? {}) as Told);
  tellModels(registry, values);
  tellChats(registry, values);
  tellLag(registry, source);
}

/** What a resource may have; each part is looked at before it is believed. */
interface Told {
  /** Of a tagger an object with its version; of a chat the name of its model. */
  readonly model?: unknown;
  /** Of a guarded chat: `circuitOpen` (0 or 1), `budgetLeftUsd`. */
  figures?(): Readonly<Record<string, unknown>>;
}

function tellModels(registry: Registry, resources: readonly Told[]): void {
  const info = createNumbers(registry, named("ner_model_info"));
  const [name, hash, provider, precision] = [boundedLabel(), boundedLabel(), boundedLabel(), boundedLabel()];
  for (const resource of resources) {
    const model = (resource.model ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof model.version !== "string") continue;
    info.set(1, name(model.version), hash(model.sha256), provider(model.provider), precision(model.precision));
  }
}

function tellChats(registry: Registry, resources: readonly Told[]): void {
  const tell = (name: "ner_llm_circuit_open" | "ner_llm_budget_remaining_usd", figure: string) => {
    const models = boundedLabel();
    createNumbers(registry, {
      ...named(name),
      read: () =>
        resources.flatMap(({ model, figures }) => {
          const value = figures?.()[figure];
          return typeof value === "number" ? [[[models(model)], value] as const] : [];
        }),
    });
  };
  tell("ner_llm_circuit_open", "circuitOpen");
  tell("ner_llm_budget_remaining_usd", "budgetLeftUsd");
}

/** Partitions that are no longer assigned are no longer shown: whoever has them now does. */
function tellLag(registry: Registry, source: Observed["source"]): void {
  const [topics, partitions] = [boundedLabel(), boundedLabel(200)];
  createNumbers(registry, {
    ...named("ner_kafka_consumer_lag_messages"),
    read: () =>
      (source.health?.().lag ?? []).map(
        ({ topic, partition, messages }) => [[topics(topic), partitions(String(partition))], messages] as const,
      ),
  });
}
