import { SingleBar } from "cli-progress";
import type { EpochReport } from "./checkpoints.ts";

export type Progress =
  | {
      readonly event: "step";
      /** From 1. */
      readonly epoch: number;
      readonly step: number;
      readonly steps: number;
      /** Mean of the epoch so far, in nats per post. */
      readonly loss: number;
      /** Best of the epochs before, 0 to 100. */
      readonly f1: number | null;
      readonly postsPerSecond: number;
      readonly etaSeconds: number;
    }
  | ({ readonly event: "epoch"; readonly best: boolean } & EpochReport)
  | { readonly event: "checkpoint"; readonly step: number; readonly folder: string }
  | { readonly event: "stopped"; readonly why: "patience" | "interrupted"; readonly epoch: number }
  | { readonly event: "score"; readonly precision: string; readonly f1: number }
  | { readonly event: "saved"; readonly folder: string; readonly model: string; readonly f1: number };

export interface Reporter {
  report(progress: Progress): void;
  close(): void;
}

/** A bar with the time left on a terminal, JSON lines elsewhere (steps at most every `everyMs`). */
export const reporterFor = (stream: NodeJS.WriteStream): Reporter =>
  stream.isTTY ? barReporter(stream) : lineReporter((line) => stream.write(`${line}\n`));

export function lineReporter(write: (line: string) => void, everyMs = 2000): Reporter {
  let last = Number.NEGATIVE_INFINITY;
  return {
    report(progress) {
      if (progress.event === "step") {
        if (performance.now() - last < everyMs) return;
        last = performance.now();
      }
      write(JSON.stringify(progress, (_, value) => (typeof value === "number" ? Number(value.toFixed(4)) : value)));
    },
    close() {},
  };
}

function barReporter(stream: NodeJS.WriteStream): Reporter {
  const format = "epoch {epoch} |{bar}| {value}/{total} steps, loss {loss}, F1 {f1}, {rate} posts/s, {left} left";
  const bar = new SingleBar({ format, stream, barsize: 24, hideCursor: true, etaBuffer: 50 });
  let started = false;
  const say = (line: string) => {
    if (started) bar.stop();
    started = false;
    stream.write(`${line}\n`);
  };
  return {
    report(progress) {
      if (progress.event !== "step") return say(sentence(progress));
      const { epoch, step, steps, loss, f1, postsPerSecond, etaSeconds } = progress;
      const shown = {
        epoch,
        loss: loss.toFixed(3),
        f1: f1?.toFixed(2) ?? "-",
        rate: postsPerSecond.toFixed(0),
        left: clock(etaSeconds),
      };
      if (!started) bar.start(steps, step, shown);
      else bar.update(step, shown);
      started = true;
    },
    close() {
      if (started) bar.stop();
      started = false;
    },
  };
}

function sentence(progress: Exclude<Progress, { event: "step" }>): string {
  switch (progress.event) {
    case "epoch":
      return `epoch ${progress.epoch}: loss ${progress.loss.toFixed(3)}, valid P ${progress.precision.toFixed(2)} R ${progress.recall.toFixed(2)} F1 ${progress.f1.toFixed(2)}${progress.best ? " (best)" : ""}, ${clock(progress.seconds)}`;
    case "checkpoint":
      return `checkpoint at step ${progress.step} in ${progress.folder}`;
    case "stopped":
      return progress.why === "patience"
        ? `no better F1 for some epochs: stopped after epoch ${progress.epoch}`
        : `stopped in epoch ${progress.epoch}; go on with --resume`;
    case "score":
      return `${progress.precision}: valid F1 ${progress.f1.toFixed(2)}`;
    case "saved":
      return `saved ${progress.model} in ${progress.folder}, valid F1 ${progress.f1.toFixed(2)}`;
  }
}

/** `1:02:03` or `2:03`. */
function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
