import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "./free-ports.ts";
import { runScript } from "./run-script.ts";

export interface Registry {
  /** Base of the API that Confluent's clients speak. */
  readonly url: string;
  /** Stops it; what it held is gone. */
  stop(): Promise<void>;
}

/** Starts Apicurio, a schema registry that holds everything in memory, on 127.0.0.1. Takes 5 seconds. */
export async function startRegistry(): Promise<Registry> {
  const folder = await runScript("fetch.sh", ["registry"]);
  const jar = readdirSync(folder).find((file) => file.endsWith("-runner.jar"))!;
  const [port] = await freePorts(1);
  const flags = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const places = ["-Dquarkus.http.host=127.0.0.1", `-Dquarkus.http.port=${port}`];
  const server = spawn("java", [...flags, ...places, "-jar", join(folder, jar)], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
  const end = () => void server.kill("SIGKILL");
  process.once("exit", end);
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const answers = () =>
    fetch(`${url}/subjects`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let i = 0; i < 600 && !(await answers()); i++) {
    if (server.exitCode !== null || i === 599) throw new Error(`the registry did not start: ${said}`);
    await sleep(100);
  }
  return {
    url,
    async stop() {
      process.removeListener("exit", end);
      if (server.exitCode !== null) return;
      end();
      await once(server, "exit");
    },
  };
}
