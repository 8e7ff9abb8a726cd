import type { Spent } from "../kafka.ts";
import type { Side, Task } from "./sides.ts";

const [side, task] = process.argv.slice(2) as [Side, string];
const { address, topic, count } = JSON.parse(task) as Task;

/** Only what the side needs is loaded: the plugin mends the client of its process. */
const rounds: Readonly<Record<Side, () => Promise<() => Promise<Spent>>>> = {
  async pipeline() {
    const { passThroughRound } = await import("./pass-through.ts");
    return () => passThroughRound(address, topic, count);
  },
  async bare() {
    const { bareRound } = await import("./bare.ts");
    return () => bareRound(address, topic, count, side);
  },
  async mended() {
    await import("../../plugins/log-kafkajs/connection.ts");
    return rounds.bare();
  },
};

const round = await rounds[side]();
process.on("message", () => void round().then((spent) => process.send!(spent)));
