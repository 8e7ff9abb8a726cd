import { parseArgs } from "node:util";

export const modes = ["kills", "joins", "hang", "sigterm", "backlog", "idle"] as const;
export type Mode = (typeof modes)[number];

export interface ChaosOptions {
  readonly mode: Mode;
  readonly events: number;
  readonly workerKills: number;
  readonly brokerKills: number;
  readonly poison: number;
  readonly delivery: "at-least-once" | "exactly-once";
  readonly seed: number;
  readonly tagger: boolean;
  /** Joins and leaves. */
  readonly joins: number;
  /** Share of the full counts and times, above 0, at most 1. */
  readonly scale: number;
  readonly workers: number;
  /** What the workers said stays, and the folder is told. */
  readonly keep: boolean;
}

export const usage = `npm run chaos -- [--events N] [--worker-kills W] [--broker-kills K] [--poison P] [--delivery MODE] [--seed S]
                     [--tagger] [--joins J] [--mode ${modes.join("|")}] [--scale X] [--workers N] [--keep]`;

/** Throws with one line where an option is wrong. `--joins` alone means that mode. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: "string" },
      "worker-kills": { type: "string" },
      "broker-kills": { type: "string" },
      poison: { type: "string" },
      delivery: { type: "string", default: "at-least-once" },
      seed: { type: "string", default: "1" },
      tagger: { type: "boolean", default: false },
      joins: { type: "string" },
      mode: { type: "string" },
      scale: { type: "string", default: "1" },
      workers: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const mode = (values.mode ?? (values.joins ? "joins" : "kills")) as Mode;
  if (!modes.includes(mode)) throw new Error(`--mode ${mode}: one of ${modes.join(", ")}`);
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) throw new Error(`--scale ${values.scale}: a number above 0, at most 1`);
  const { delivery } = values;
  if (delivery !== "at-least-once" && delivery !== "exactly-once")
    throw new Error(`--delivery ${delivery}: at-least-once or exactly-once`);
  /** What was asked for, or the full figure at this scale. */
  const count = (name: "events" | "worker-kills" | "broker-kills" | "poison" | "joins" | "workers", full: number) => {
    const given = values[name];
    if (given === undefined) return Math.max(1, Math.round(full * scale));
    if (!/^\d+$/.test(given)) throw new Error(`--${name} ${given}: a whole number`);
    return Number(given);
  };
  const exact = delivery === "exactly-once";
  return {
    mode,
    events: count("events", values.tagger ? 5000 : 100_000),
    workerKills: count("worker-kills", values.tagger ? 10 : exact ? 20 : 100),
    brokerKills: count("broker-kills", values.tagger || exact ? 1 : 10),
    poison: count("poison", values.tagger ? 20 : 250),
    delivery,
    seed: Number(values.seed),
    tagger: values.tagger,
    joins: count("joins", 200),
    scale,
    workers: values.workers === undefined ? 2 : count("workers", 2),
    keep: values.keep,
  };
}
