import { Fault } from "../errors.ts";
import type { Log } from "../host.ts";
import { openParts } from "../open.ts";
import type { AnyPlanned, Plan } from "../plan.ts";
import { type LogClient, log as logPort } from "./port.ts";

/** A part of a pipeline that reads or writes a log: the resource it borrows for it, and the topic that it names. */
export interface LogUse {
  readonly client: string;
  /** Of a sink. */
  readonly topic?: string;
  /** Of a source. */
  readonly topics?: readonly string[];
}

/** How a source or sink uses a log; undefined where it does not. */
export function logUseOf(part: AnyPlanned | undefined): LogUse | undefined {
  const borrows = part?.plugin.borrows?.(part.options as never) ?? [];
  const client = borrows.find(({ port }) => port.name === logPort.name)?.name;
  if (client === undefined) return undefined;
  const { topic, topics } = part!.options as { topic?: unknown; topics?: unknown };
  return {
    client,
    ...(typeof topic === "string" && { topic }),
    ...(Array.isArray(topics) && { topics: topics.filter((name) => typeof name === "string") }),
  };
}

export interface OpenLog {
  readonly client: LogClient;
  close(): Promise<void>;
}

/**
 * Opens the one client of a log that a config has, or the one it calls `name`, and nothing else of it.
 * Throws USAGE where that is not clear, PLUGIN_OPEN_FAILED where it cannot be opened.
 */
export async function openLog(plan: Plan, name: string | undefined, log?: Log): Promise<OpenLog> {
  const clients = plan.resources.filter(({ plugin }) => plugin.fills.name === logPort.name);
  const names = clients.map((client) => client.name).join(", ");
  const chosen = name === undefined && clients.length === 1 ? clients[0]! : clients.find((one) => one.name === name);
  if (chosen === undefined)
    throw new Fault("USAGE", {
      what: `${plan.text.file} has ${clients.length === 0 ? "no client of a log" : `the clients ${names}`}`,
      help: clients.length === 0 ? "add one to its resources, such as log-kafkajs" : "name one of them with --client",
    });
  const { resources, close } = await openParts(
    { ...plan, stages: [], resources: needed(plan, chosen.name) },
    log && { log },
  );
  return { client: resources.get(chosen.name)!.value as LogClient, close };
}

/** A resource and what it borrows, in the order in which they open. */
function needed({ resources }: Plan, name: string): Plan["resources"] {
  const wanted = new Set<string>([name]);
  for (const { name, plugin, options } of resources.toReversed())
    if (wanted.has(name)) for (const borrow of plugin.borrows?.(options) ?? []) wanted.add(borrow.name);
  return resources.filter((resource) => wanted.has(resource.name));
}
