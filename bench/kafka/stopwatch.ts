import type { Spent } from "../kafka.ts";

/** Counts posts from the first one read to the last one acknowledged. */
export function stopwatch(count: number) {
  let cpu: NodeJS.CpuUsage | undefined;
  let start = 0;
  let done = 0;
  const { promise, resolve } = Promise.withResolvers<Spent>();
  return {
    finished: promise,
    /** The first post has come. */
    begin() {
      if (cpu) return;
      start = performance.now();
      cpu = process.cpuUsage();
    },
    add(posts: number) {
      done += posts;
      if (done < count) return;
      const { user, system } = process.cpuUsage(cpu);
      resolve({ cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - start) / 1000 });
    },
  };
}
