import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Of Linux, as /proc counts them. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of processor time of this process and of its children that live, to a hundredth; NaN where there is no /proc. The
 * clock tells of everybody who uses the machine, this of us alone.
 */
export function treeCpuSeconds(): number {
  if (!existsSync("/proc/self/task")) return Number.NaN;
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  return ["self", ...children].reduce((sum, pid) => sum + secondsOf(pid), 0);
}

function secondsOf(pid: string): number {
  // The name of the program stands in brackets, and may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
