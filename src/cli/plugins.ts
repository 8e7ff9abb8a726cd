import { Command } from "commander";
import { loadBuiltins } from "../load.ts";
import type { AnyPlugin } from "../plugin.ts";

export function pluginsCommand(): Command {
  return new Command("plugins")
    .option("--json", "one JSON object a line")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", "\ndocs/configuration.md tells the options of each; docs/plugins.md how to write one.")
    .action(async ({ json }: { readonly json?: boolean }) => {
      for (const plugin of await loadBuiltins())
        process.stdout.write(json ? `${JSON.stringify(describe(plugin))}\n` : `${show(plugin)}\n`);
    });
}

const describe = (plugin: AnyPlugin) => ({
  name: plugin.name,
  kind: plugin.kind,
  about: plugin.about,
  ...(plugin.kind === "stage" && { needs: plugin.needs, uses: plugin.uses, gives: plugin.gives }),
  ...(plugin.kind === "resource" && { fills: plugin.fills.name }),
});

/** Name, kind and what it is for; below, what it needs, uses and gives. */
function show(plugin: AnyPlugin): string {
  const head = `${plugin.name.padEnd(16)} ${plugin.kind.padEnd(9)} ${plugin.about}`;
  const facts = factsOf(plugin);
  return facts === "" ? head : `${head}\n${" ".repeat(27)}${facts}`;
}

function factsOf(plugin: AnyPlugin): string {
  if (plugin.kind === "resource") return `fills ${plugin.fills.name}`;
  if (plugin.kind !== "stage") return "";
  const lists = { needs: plugin.needs, uses: plugin.uses, gives: plugin.gives };
  const told = Object.entries(lists).filter(([, facts]) => facts.length > 0);
  return told.map(([verb, facts]) => `${verb} ${facts.join(", ")}`).join("; ");
}
