import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../kafka/free-ports.ts";

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** The series of an expression, now. Throws where Prometheus refuses it. */
  query(expr: string): Promise<Sample[]>;
  /** Traces that buckets of a histogram show. */
  traces(bucket: string): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real Prometheus that scrapes these addresses every second, and evaluates the rules as often. */
export async function startPrometheus(jobs: Readonly<Record<string, string>>, rules: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "starling-prometheus-"));
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: [rules],
    scrape_configs: Object.entries(jobs).map(([job_name, target]) => ({
      job_name,
      static_configs: [{ targets: [target] }],
    })),
  };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const [port] = await freePorts(1);
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
      "--enable-feature=exemplar-storage",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true;
  for (let tries = 0; !(await ready()); tries++) {
    if (tries > 150 || child.exitCode !== null) throw new Error(`prometheus did not start: ${said}`);
    await sleep(100);
  }
  return {
    async query(expr) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { status, error, data } = (await answer.json()) as Answer;
      if (status !== "success") throw new Error(`${expr}: ${error}`);
      return data!.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
    async traces(bucket) {
      const { data } = (await (
        await fetch(`${url}/api/v1/query_exemplars?query=${bucket}&start=0`)
      ).json()) as Examples;
      return data.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
    },
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

interface Examples {
  readonly data: readonly { readonly exemplars: readonly { readonly labels: { readonly trace_id: string } }[] }[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: Sample["metric"]; readonly value: readonly [number, string] }[];
  };
}
