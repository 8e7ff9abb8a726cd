import type { LiveRun } from "../flow/types.ts";
import type { Source } from "../plugin.ts";
import type { HttpConfig } from "./config.ts";
import { json, type Routes } from "./page.ts";

export interface Probes {
  readonly routes: Routes;
  /** What `/ready` says now. */
  ready(): boolean;
  /** Models and all else are open, and posts are read until `stop` aborts; then what was read is finished. */
  running(source: Pick<Source, "health">, stop: AbortSignal): void;
  /** Posts flow; without it there is none in flight but what the source tells. */
  started(run: Pick<LiveRun, "oldestSeconds">): void;
}

/**
 * `/live` answers as long as the process does. `/ready` says yes while posts flow: the pipeline is open, the source says
 * that it is ready (a consumer of a log: that it is assigned), and no post has been in flight for too long.
 */
export function createProbes({ oldestMs }: Pick<HttpConfig, "oldestMs"> = { oldestMs: 300_000 }): Probes {
  let source: Pick<Source, "health"> | undefined;
  let stop: AbortSignal | undefined;
  let run: Pick<LiveRun, "oldestSeconds"> | undefined;
  const phaseNow = () => (source === undefined ? "opening" : stop?.aborted ? "stopping" : "running");

  const state = () => {
    const phase = phaseNow();
    const health = source?.health?.();
    // A source that holds posts before they flow, or until they come again, knows of older ones.
    const oldest = Math.max(run?.oldestSeconds ?? 0, health?.figures?.oldestSeconds ?? 0);
    const figures = { ...health?.figures, ...(run !== undefined && { oldestSeconds: oldest }) };
    const reasons = [
      ...(phase === "running" ? [] : [`the pipeline is ${phase}`]),
      ...(health?.ready === false ? [`source: ${health.reason ?? "not ready"}`] : []),
      ...(oldest * 1000 > oldestMs
        ? [`the oldest post in flight is ${Math.round(oldest)} s old, more than ${oldestMs / 1000} s`]
        : []),
    ];
    return { ready: reasons.length === 0, reasons, figures };
  };

  return {
    routes: {
      "/live": () => json(200, { live: true, phase: phaseNow() }),
      "/ready": () => {
        const now = state();
        return json(now.ready ? 200 : 503, now);
      },
    },
    ready: () => state().ready,
    running(opened, signal) {
      source = opened;
      stop = signal;
    },
    started(begun) {
      run = begun;
    },
  };
}
