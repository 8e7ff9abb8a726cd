import { resolve } from "node:path";
import { didYouMean } from "./config/nearest.ts";
import { Fault } from "./errors.ts";
import type { Measure } from "./metrics/catalogue.ts";
import type { DeliveryMode, Host, Order, Port, Purpose } from "./plugin.ts";

/** An open resource, and the port it fills. */
export interface OpenResource {
  readonly port: string;
  readonly value: unknown;
}

export type Log = (plugin: string, message: string, fields?: Readonly<Record<string, unknown>>) => void;
/** Adds `by` to the counter `name`, such as `source_file_lines_total`. */
export type Count = (name: string, by: number) => void;

export interface HostParts {
  /** Name of the plugin that the host is for. */
  readonly plugin: string;
  /** Folder of the config. */
  readonly folder: string;
  readonly resources: ReadonlyMap<string, OpenResource>;
  readonly log: Log;
  /** The log, by default. */
  readonly warn?: Log;
  readonly count: Count;
  readonly measure?: Measure;
  readonly purpose?: Purpose;
  readonly delivery?: DeliveryMode;
  readonly order?: Order;
  readonly window?: number;
  /** Every fact is read, by default. */
  readonly isRead?: Host["isRead"];
}

/** What the core lends to one plugin. */
export function createHost(parts: HostParts): Host {
  const {
    plugin,
    folder,
    resources,
    log,
    warn = log,
    count,
    measure = () => {},
    purpose = "serve",
    delivery = "at-least-once",
    order = "none",
    window = 512,
    isRead = () => true,
  } = parts;
  const prefix = plugin.replaceAll(/[^A-Za-z0-9]+/g, "_");
  return {
    log: (message, fields) => log(plugin, message, fields),
    warn: (message, fields) => warn(plugin, message, fields),
    count: (name, by = 1) => count(`${prefix}_${name}_total`, by),
    measure,
    borrow: <T>(port: Port<T>, name: string): T => borrow(plugin, resources, port, name),
    resolve: (path) => resolve(folder, path),
    purpose,
    delivery,
    order,
    window,
    isRead,
  };
}

function borrow<T>(borrower: string, resources: ReadonlyMap<string, OpenResource>, port: Port<T>, name: string): T {
  const found = resources.get(name);
  if (found === undefined)
    throw new Fault("RESOURCE_UNKNOWN", { borrower, name, help: didYouMean(name, [...resources.keys()]) });
  if (found.port !== port.name)
    throw new Fault("RESOURCE_PORT", { borrower, name, wanted: port.name, found: found.port });
  return found.value as T;
}
