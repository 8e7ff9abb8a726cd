/**
 * `npm run chaos -- …`: what is promised about Kafka, tried on a real broker with real workers. Lines for people, and last
 * one JSON object. Exit code 1 where a promise is broken, 2 for a wrong option.
 */
import { backlog } from "./backlog.ts";
import { hang } from "./hang.ts";
import { idle } from "./idle.ts";
import { joins } from "./joins.ts";
import { kills } from "./kills.ts";
import { type ChaosOptions, type Mode, readOptions, usage } from "./options.ts";
import { sigterm } from "./sigterm.ts";

export interface Outcome {
  readonly result: Readonly<Record<string, unknown>>;
  /** What was promised, and whether it held. */
  readonly promises: Readonly<Record<string, boolean>>;
}

async function main(): Promise<void> {
  let options: ChaosOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
  const { result, promises } = await runs[options.mode](options, console.log);
  const broken = Object.keys(promises).filter((promise) => !promises[promise]);
  for (const promise of broken) console.log(`broken: ${promise}`);
  console.log(JSON.stringify({ ...result, broken }));
  process.exit(broken.length > 0 ? 1 : 0);
}

const runs: Readonly<Record<Mode, (options: ChaosOptions, say: (line: string) => void) => Promise<Outcome>>> = {
  kills,
  joins,
  hang,
  sigterm,
  backlog,
  idle,
};

await main();
