import type { Source } from "../plugin.ts";
import { json, type Routes } from "./server.ts";

export interface Probes {
  readonly routes: Routes;
  /** Models and all else are open, and posts are read. */
  running(source: Pick<Source, "health">): void;
  /** Reading has ended; what was read is being finished. */
  stopping(): void;
}

/**
 * `/live` answers as long as the process does. `/ready` says yes while posts flow: the pipeline is open, the source says
 * that it is ready (a consumer of a log: that it is assigned), and no post has been in flight for too long.
 */
export function createProbes({ oldestMs }: { readonly oldestMs: number }): Probes {
  let phase: "opening" | "running" | "stopping" = "opening";
  let source: Pick<Source, "health"> = {};

  const ready = () => {
    const health = source.health?.();
    const oldest = health?.figures?.oldestSeconds ?? 0;
    const reasons = [
      ...(phase === "running" ? [] : [`the pipeline is ${phase}`]),
      ...(health?.ready === false ? [`source: ${health.reason ?? "not ready"}`] : []),
      ...(oldest * 1000 > oldestMs
        ? [`the oldest post in flight is ${Math.round(oldest)} s old, more than ${oldestMs / 1000} s`]
        : []),
    ];
    return { ready: reasons.length === 0, reasons, figures: health?.figures ?? {} };
  };

  return {
    routes: {
      "/live": () => json(200, { live: true, phase }),
      "/ready": () => {
        const state = ready();
        return json(state.ready ? 200 : 503, state);
      },
    },
    running(opened) {
      source = opened;
      phase = "running";
    },
    stopping() {
      phase = "stopping";
    },
  };
}
