import { Command } from "commander";
import { z } from "zod";
import { configSchema } from "../config/index.ts";
import { loadBuiltins } from "../load.ts";

export function schemaCommand(): Command {
  return new Command("schema")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", "\nIn an editor that speaks YAML: # yaml-language-server: $schema=starling.schema.json")
    .action(async () => void process.stdout.write(`${JSON.stringify(await configJsonSchema(), null, 2)}\n`));
}

const form = { target: "draft-7", io: "input", unrepresentable: "any" } as const;

/** Draft 7, which editors read; options of built-in plugins are described too, those of other plugins are free. */
export async function configJsonSchema(): Promise<object> {
  const schema = z.toJSONSchema(configSchema, form) as { properties: Record<string, Schema> };
  const { source, sink, deadLetters, resources, stages } = schema.properties;
  const options = await optionsByKind();
  for (const [part, kind] of [
    [source, "source"],
    [sink, "sink"],
    [deadLetters, "sink"],
    [resources?.additionalProperties, "resource"],
    [stages?.items, "stage"],
  ] as const)
    if (part) part.allOf = options(kind);
  return schema;
}

interface Schema {
  allOf?: readonly object[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

async function optionsByKind() {
  const plugins = await loadBuiltins();
  return (kind: string) =>
    plugins
      .filter((plugin) => plugin.kind === kind)
      .map(({ name, options }) => {
        const { $schema: _, ...own } = z.toJSONSchema(options, form);
        // biome-ignore lint/suspicious/noThenProperty: JSON Schema names it so.
        return { if: { properties: { use: { const: name } } }, then: { properties: { options: own } } };
      });
}
