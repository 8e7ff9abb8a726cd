import { once } from "node:events";
import { Command, Option } from "commander";
import { type DevLlmMode, readScript, startDevLlm } from "../dev-llm/index.ts";
import { Fault, isFault } from "../errors.ts";
import { numberFrom0 } from "./numbers.ts";
import { stopOnSignals } from "./signals.ts";

const notes = `
Answers like an OpenAI server, without a model, a key or a bill. Modes, where no rule of the script answers:
  names   names runs of words that begin with a capital letter (the default)
  obey    follows any order found in what users wrote, to see what an injection can reach
  echo    says what it was told
docs/dev-llm.md shows scripts: answers by pattern, and faults.`;

interface LlmFlags {
  readonly port: string;
  readonly host: string;
  readonly mode: DevLlmMode;
  readonly script?: string;
  readonly wait: string;
  readonly batchWait: string;
}

export function devCommand(): Command {
  const llm = new Command("llm")
    .description("a server of the OpenAI protocol, scripted")
    .option("--port <number>", "port; 0 takes a free one", "0")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(
      new Option("--mode <name>", "what answers without a script").choices(["names", "obey", "echo"]).default("names"),
    )
    .option("--script <file>", "rules, YAML or JSON")
    .option("--wait <ms>", "time before every answer", "0")
    .option("--batch-wait <ms>", "how long a batch takes", "0")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes)
    .action(serveLlm);
  return new Command("dev").addCommand(llm);
}

/** Serves until it is told to stop; the address goes to standard output, what was asked to standard error. */
async function serveLlm({ port, host, mode, script, wait, batchWait }: LlmFlags): Promise<void> {
  const signal = stopOnSignals();
  const rules = script === undefined ? [] : await readScript(script);
  const server = await startDevLlm({
    port: numberFrom0("--port", port, 65_535),
    waitMs: numberFrom0("--wait", wait, 3_600_000),
    batchMs: numberFrom0("--batch-wait", batchWait, 86_400_000),
    host,
    mode,
    script: rules,
  }).catch(cannotListen(`${host}:${port}`));
  process.stdout.write(`${server.url}\n`);
  if (!signal.aborted) await once(signal, "abort");
  const { requests, answered, inputTokens, outputTokens } = server.counts;
  process.stderr.write(`${requests} requests, ${answered} answered, ${inputTokens} + ${outputTokens} tokens\n`);
  await server.close();
}

const cannotListen = (place: string) => (error: unknown) => {
  if (isFault(error)) throw error;
  throw new Fault("USAGE", {
    what: `cannot listen on ${place}: ${(error as Error).message}`,
    help: "name another --port or --host",
  });
};
