import { type ConfigText, type Path, type Problem, problemAt, showPath } from "../config/index.ts";
import { log as logPort } from "../log/port.ts";
import { checkBorrows } from "../pipeline.ts";
import { at, mapping } from "./at.ts";
import type { Parts } from "./parts.ts";

/** The files, or else the topics, of `drift.events` or `drift.feedback`. */
export function namedBy(drift: unknown, kind: "events" | "feedback", how: "files" | "topics"): readonly string[] {
  const names = at(drift, [kind, how]);
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}

/** What `starling check` says of it: `drift of entities, feedback`. */
export const driftVerdict = (drift: unknown): string =>
  `drift of ${(["events", "feedback"] as const)
    .flatMap((kind) => [...namedBy(drift, kind, "topics"), ...namedBy(drift, kind, "files")])
    .join(", ")}`;

/** Whether the log that topics of `drift:` are read from is among the resources, and which it is. */
export function driftClientProblems(text: ConfigText, { named }: Parts): Problem[] {
  const { drift } = mapping(text.value);
  const ports = new Map(named.resources.map(({ name, plugin }) => [name, plugin?.fills.name]));
  const client = at(drift, ["client"]);
  if (typeof client === "string" && client !== "")
    return checkBorrows(
      { at: ["drift", "client"] as Path, name: "drift", borrows: [{ port: logPort, name: client }] },
      ports,
    ).map(({ at, code, details }) => problemAt(text, at, code, details as never));
  const kind = (["events", "feedback"] as const).find((one) => namedBy(drift, one, "topics").length > 0);
  // A plugin that could not be loaded may be the one.
  if (kind === undefined || [...ports.values()].includes(undefined)) return [];
  const clients = [...ports].filter(([, port]) => port === logPort.name).map(([name]) => name);
  if (clients.length === 1) return [];
  const why =
    clients.length === 0
      ? "the config has no client of a log; add one to its resources, such as log-kafkajs"
      : `the config has the clients ${clients.join(", ")}; name one of them in drift.client`;
  const path = ["drift", kind, "topics"];
  return [problemAt(text, path, "CONFIG_VALUE", { path: showPath(path), why })];
}
