import { createHash } from "node:crypto";
import { Fault } from "./errors.ts";
import type { Fact } from "./facts.ts";
import type { OpenPipeline, OpenStage } from "./flow/types.ts";
import { type Count, createHost, type HostParts, type Log, type OpenResource } from "./host.ts";
import type { Kind, PluginOf } from "./load.ts";
import type { Measure } from "./metrics/catalogue.ts";
import { packageVersion } from "./package-root.ts";
import type { AnyPlanned, Plan, Planned, PlannedStage } from "./plan.ts";
import type { DeliveryMode, Purpose } from "./plugin.ts";

export interface OpenOptions {
  readonly log?: Log;
  /** The log, by default. */
  readonly warn?: Log;
  readonly count?: Count;
  readonly measure?: Measure;
  /** `serve` by default. */
  readonly purpose?: Purpose;
}

/** Resources and stages of a plan, open: what training and scoring use. */
export interface OpenParts {
  /** By the name the config gives them. */
  readonly resources: ReadonlyMap<string, OpenResource>;
  readonly stages: readonly OpenStage[];
  /** Changes with options, order and models, never with batch sizes or places. */
  readonly version: string;
  /** Closes everything, the last opened first; a second call does nothing. */
  close(): Promise<void>;
}

/**
 * Opens the resources, each after what it borrows, then the stages.
 * If one throws, what was opened before is closed, and PLUGIN_OPEN_FAILED names it.
 */
export async function openParts(plan: Plan, options: OpenOptions = {}): Promise<OpenParts> {
  const opener = createOpener(plan, options);
  try {
    const parts = await opener.parts();
    return { ...parts, close: opener.close };
  } catch (error) {
    await opener.close();
    throw error;
  }
}

/**
 * Opens a whole pipeline: resources and stages, then sink and dead letters, and the source last,
 * so that nothing is read before it can be handled. Closing goes the other way.
 * Throws CONFIG_KEY_MISSING where the plan lacks source, sink or deadLetters; otherwise as `openParts`.
 */
export async function openPipeline(
  plan: Plan,
  options: OpenOptions = {},
): Promise<OpenPipeline & Pick<OpenParts, "resources" | "close">> {
  const needed = {
    source: required(plan, "source"),
    sink: required(plan, "sink"),
    letters: required(plan, "deadLetters"),
  };
  const opener = createOpener(plan, options);
  try {
    const { stages, version, resources } = await opener.parts();
    const sink = await opener.open(needed.sink);
    const deadLetters = await opener.open(needed.letters);
    const source = await opener.open(needed.source);
    const { window, delivery, order, drainMs } = plan;
    checkDelivery(delivery, { source, sink, deadLetters });
    const flow = { window, delivery, order, drainMs };
    return { source, sink, deadLetters, stages, resources, ...flow, version, close: opener.close };
  } catch (error) {
    await opener.close();
    throw error;
  }
}

function required<K extends "source" | "sink" | "deadLetters">(plan: Plan, key: K): NonNullable<Plan[K]> {
  const part = plan[key];
  if (part === undefined) throw new Fault("CONFIG_KEY_MISSING", { key, expected: "{ use: … }" });
  return part;
}

type Opened<K extends Kind> = Awaited<ReturnType<PluginOf<K>["open"]>>;

/** The plan has seen that all three borrow one log; this one asks whether they can do what is wanted. */
function checkDelivery(delivery: DeliveryMode, { source, sink, deadLetters }: Ends): void {
  if (delivery !== "exactly-once") return;
  if (!source.transact || !sink.encode || !deadLetters.encode) throw new Fault("DELIVERY_UNSUPPORTED", {});
}

type Ends = Pick<OpenPipeline, "source" | "sink" | "deadLetters">;

function createOpener(plan: Plan, options: OpenOptions) {
  const { text, resources, stages, delivery, order, window } = plan;
  const { log = () => {}, warn = log, count = () => {}, measure = () => {}, purpose = "serve" } = options;
  const open = new Map<string, OpenResource>();
  const closers = new AsyncDisposableStack();

  const openOne = async <K extends Kind>(
    { plugin, name, options: own }: Planned<K>,
    more: Pick<HostParts, "isRead"> = {},
  ): Promise<Opened<K>> => {
    const lent = { resources: open, log, warn, count, measure, purpose, delivery, order, window };
    const host = createHost({ plugin: plugin.name, folder: text.folder, ...lent, ...more });
    try {
      const opened = (await plugin.open(own, host)) as Opened<K>;
      closers.defer(async () => opened.close?.());
      return opened;
    } catch (cause) {
      const why = text.redact(cause instanceof Error ? cause.message : String(cause));
      throw new Fault("PLUGIN_OPEN_FAILED", { plugin: plugin.name, where: name, why }, { cause });
    }
  };

  return {
    open: openOne,
    close: () => closers.disposeAsync(),
    parts: async () => {
      for (const resource of resources)
        open.set(resource.name, { port: resource.plugin.fills.name, value: await openOne(resource) });
      const opened: OpenStage[] = [];
      for (const [i, stage] of stages.entries()) {
        const isRead = readBy(stages.slice(i + 1));
        const { name, flow, plugin } = stage;
        const gives = plugin.gives.filter(isRead);
        opened.push({ name, plugin: { ...plugin, gives }, stage: await openOne(stage, { isRead }), flow });
      }
      return { resources: open, stages: opened, version: versionOf(plan, open, opened) };
    },
  };
}

/** Events tell of every other fact. */
const FOR_STAGES_ONLY: readonly Fact[] = ["feature"];

const readBy =
  (later: readonly PlannedStage[]) =>
  (fact: Fact): boolean =>
    !FOR_STAGES_ONLY.includes(fact) ||
    later.some(({ plugin: { needs, uses } }) => needs.includes(fact) || uses.includes(fact));

/** Twelve hexadecimal digits over what decides an event: package, options without secrets, models, content of files. */
function versionOf(plan: Plan, open: ReadonlyMap<string, OpenResource>, opened: readonly OpenStage[]) {
  const { stages } = plan;
  const places = placesOf(plan);
  const resources = plan.resources.filter(({ name }) => !places.has(name));
  const decides = {
    package: packageVersion,
    resources: resources.map(({ name, plugin, shown }) => [
      name,
      plugin.name,
      shown ?? {},
      contentOf(open.get(name)?.value),
    ]),
    stages: stages.map(({ name, plugin, shown, flow }, i) => [
      name,
      plugin.name,
      shown ?? {},
      flow.onFail,
      opened[i]!.stage.version,
    ]),
  };
  return createHash("sha256").update(JSON.stringify(decides)).digest("hex").slice(0, 12);
}

/** Resources that only source and sinks borrow, such as a client of a log: they say where posts are, not what is made of them. */
function placesOf({ source, sink, deadLetters, stages, resources }: Plan): ReadonlySet<string> {
  const named = new Map(resources.map((resource) => [resource.name, resource]));
  const reached = (from: readonly (AnyPlanned | undefined)[], found = new Set<string>()): Set<string> => {
    for (const part of from)
      for (const { name } of part?.plugin.borrows?.(part.options) ?? [])
        if (!found.has(name)) reached([named.get(name)], found.add(name));
    return found;
  };
  const used = reached(stages);
  return new Set([...reached([source, sink, deadLetters])].filter((name) => !used.has(name)));
}

/** What an open resource states of its content: `model.version`, as taggers do, or `fingerprint`, as banks do. */
function contentOf(resource: unknown): string | undefined {
  const { model, fingerprint } = (resource ?? {}) as { model?: { version?: unknown }; fingerprint?: unknown };
  return [model?.version, fingerprint].find((content) => typeof content === "string");
}
