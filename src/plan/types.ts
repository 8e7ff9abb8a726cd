import type { Config, ConfigText, Path } from "../config/index.ts";
import type { LogConfig } from "../config/log.ts";
import type { StageFlow } from "../flow/types.ts";
import type { Kind, PluginOf } from "../load.ts";
import type { DeliveryMode, Order } from "../plugin.ts";
import type { HttpConfig } from "../serve/config.ts";

/** A plugin with its checked options: everything that can be known of it before it opens. */
export interface Planned<K extends Kind> {
  /** Unique in its pipeline: the stage's or the resource's name, `source`, `sink` or `deadLetters`. */
  readonly name: string;
  readonly plugin: PluginOf<K>;
  readonly options: unknown;
  /** As written, without secrets. */
  readonly shown: unknown;
  readonly path: Path;
}

export type AnyPlanned = { [K in Kind]: Planned<K> }[Kind];

export interface PlannedStage extends Planned<"stage"> {
  readonly flow: StageFlow;
}

/** A config whose plugins are loaded and whose order holds; nothing is open. */
export interface Plan {
  readonly text: ConfigText;
  readonly window: number;
  readonly delivery: DeliveryMode;
  readonly order: Order;
  readonly drainMs: number;
  readonly http?: HttpConfig;
  readonly log?: LogConfig;
  readonly source?: Planned<"source">;
  readonly sink?: Planned<"sink">;
  readonly deadLetters?: Planned<"sink">;
  /** In the order in which they open. */
  readonly resources: readonly Planned<"resource">[];
  readonly stages: readonly PlannedStage[];
  /** The sections for training and scoring, as they stand in the config. */
  readonly sections: Pick<Config, "train" | "evaluate" | "drift">;
}
