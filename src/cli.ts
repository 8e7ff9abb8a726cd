#!/usr/bin/env node
/** The command `starling`: routes to src/cli, and turns what a command throws into a sentence and an exit code. */
import { Command, CommanderError } from "commander";
import { exit, exitCodeOf, hasEnough, quietWhenClosed } from "./cli/exit.ts";
import { report } from "./cli/report.ts";
import { packageVersion } from "./package-root.ts";

/** A command is imported when it is called; the others are only names in `--help`. */
const commands: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<Command> }>> = {
  run: {
    about: "read posts, write their entities",
    load: async () => (await import("./cli/run.ts")).runCommand(),
  },
  check: {
    about: "tell everything that is wrong with a config, without opening anything",
    load: async () => (await import("./cli/check.ts")).checkCommand(),
  },
  train: {
    about: "make a model from posts that people marked",
    load: async () => (await import("./cli/train.ts")).trainCommand(),
  },
  evaluate: {
    about: "score a model or a pipeline on posts that people marked",
    load: async () => (await import("./cli/evaluate.ts")).evaluateCommand(),
  },
  bank: {
    about: "make, fill, check and search a bank of demonstrations",
    load: async () => (await import("./cli/bank.ts")).bankCommand(),
  },
  drift: {
    about: "watch F1 and the population of a stream, from its events and what people say of them",
    load: async () => (await import("./cli/drift.ts")).driftCommand(),
  },
  "dead-letters": {
    about: "list, show and replay posts that could not be handled",
    load: async () => (await import("./cli/dead-letters.ts")).deadLettersCommand(),
  },
  replay: {
    about: "send a stretch of topics through another config, and tell what changes",
    load: async () => (await import("./cli/replay.ts")).replayCommand(),
  },
  diff: {
    about: "tell which posts gained, lost or changed entities between two runs",
    load: async () => (await import("./cli/diff.ts")).diffCommand(),
  },
  knowledge: {
    about: "record what an LLM says of a corpus",
    load: async () => (await import("./cli/knowledge.ts")).knowledgeCommand(),
  },
  dev: {
    about: "start stand-ins for services, to try things out with",
    load: async () => (await import("./cli/dev.ts")).devCommand(),
  },
  plugins: {
    about: "list the built-in plugins, what they need and what they give",
    load: async () => (await import("./cli/plugins.ts")).pluginsCommand(),
  },
  schema: {
    about: "print the JSON Schema of configs, for editors",
    load: async () => (await import("./cli/schema.ts")).schemaCommand(),
  },
};

const notes = `
starling run shows the sample posts; starling COMMAND --help tells more of a command.

Exit codes: 0 done (also after a signal, once what was read is finished); 1 a fault while running;
2 never started (usage, config, or something it names could not be opened); 130, 143 ended by a second signal.`;

async function main(args: readonly string[]): Promise<void> {
  const program = new Command("starling")
    .description("Named entities from streams of posts with pictures.")
    .version(packageVersion)
    .addHelpText("after", notes);
  for (const [name, { about, load }] of Object.entries(commands))
    program.addCommand(name === args[0] ? (await load()).description(about) : new Command(name).description(about));
  for (const command of withinOf(program)) command.exitOverride().showHelpAfterError("(--help tells more)");
  await program.parseAsync([...args], { from: "user" });
}

/** A command and all below it. */
const withinOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withinOf)];

quietWhenClosed();
try {
  await main(process.argv.slice(2));
  exit(Number(process.exitCode ?? 0));
} catch (error) {
  // Commander has said what was wrong, or printed its help.
  if (error instanceof CommanderError) exit(error.exitCode === 0 ? 0 : 2);
  else if (hasEnough(error)) exit(0);
  else {
    report(error, process.argv.includes("--verbose"));
    exit(exitCodeOf(error));
  }
}
