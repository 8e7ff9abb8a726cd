import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { builtins } from "../plugins/index.ts";
import { didYouMean } from "./config/nearest.ts";
import { Fault } from "./errors.ts";
import { type AnyPlugin, API } from "./plugin.ts";

export type Kind = AnyPlugin["kind"];
export type PluginOf<K extends Kind> = Extract<AnyPlugin, { kind: K }>;
export type Builtins = Readonly<Record<string, () => Promise<{ readonly default: unknown }>>>;

/**
 * The plugin that a config calls `use`: a built-in name, then a file beside the config, then a package
 * installed where the config stands. Importing registers nothing.
 * Throws PLUGIN_NOT_FOUND, PLUGIN_NOT_EXPORTED, PLUGIN_IMPORT_FAILED, PLUGIN_NO_DEFAULT, PLUGIN_API, PLUGIN_SHAPE
 * or PLUGIN_KIND.
 */
export async function loadPlugin<K extends Kind>(
  use: string,
  kind: K,
  configFile: string,
  inside: Builtins = builtins,
): Promise<PluginOf<K>> {
  const plugin = asPlugin(use, (await importPlugin(use, configFile, inside)).default);
  if (plugin.kind !== kind) throw new Fault("PLUGIN_KIND", { use, found: plugin.kind, expected: kind });
  return plugin as PluginOf<K>;
}

/** Every built-in plugin, imported, in the order of their names. */
export async function loadBuiltins(inside: Builtins = builtins): Promise<readonly AnyPlugin[]> {
  const names = Object.keys(inside).sort();
  return Promise.all(names.map(async (name) => asPlugin(name, (await inside[name]!()).default)));
}

async function importPlugin(
  use: string,
  configFile: string,
  inside: Builtins,
): Promise<{ readonly default?: unknown }> {
  const url = Object.hasOwn(inside, use) ? undefined : locate(use, configFile, Object.keys(inside));
  try {
    return url === undefined ? await inside[use]!() : ((await import(url)) as { default?: unknown });
  } catch (cause) {
    throw new Fault(
      "PLUGIN_IMPORT_FAILED",
      { use, why: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  }
}

function locate(use: string, configFile: string, names: readonly string[]): string {
  const isFile = isAbsolute(use) || /^\.{1,2}[\\/]/.test(use);
  return pathToFileURL(isFile ? locateFile(use, configFile) : locatePackage(use, configFile, names)).href;
}

function locateFile(use: string, configFile: string): string {
  const file = resolve(dirname(resolve(configFile)), use);
  if (!existsSync(file))
    throw new Fault("PLUGIN_NOT_FOUND", {
      use,
      looked: file,
      help: "check the path: it starts at the config's folder",
    });
  return file;
}

function locatePackage(use: string, configFile: string, names: readonly string[]): string {
  try {
    return createRequire(resolve(configFile)).resolve(use);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED")
      throw new Fault("PLUGIN_NOT_EXPORTED", { use }, { cause });
    const looked = `a built-in, and a package installed for ${dirname(resolve(configFile))}`;
    const help = `${didYouMean(use, names)} (a package: npm install ${use})`;
    throw new Fault("PLUGIN_NOT_FOUND", { use, looked, help }, { cause });
  }
}

/** Narrows what a module exports; other copies of this package make plugins too, so only shapes are looked at. */
function asPlugin(use: string, exported: unknown): AnyPlugin {
  if (typeof exported !== "object" || exported === null || !("api" in exported))
    throw new Fault("PLUGIN_NO_DEFAULT", { use });
  if (exported.api !== API) throw new Fault("PLUGIN_API", { use, found: String(exported.api), expected: API });
  const missing = whatIsMissing(exported as unknown as Readonly<Record<string, unknown>>);
  if (missing !== undefined) throw new Fault("PLUGIN_SHAPE", { use, what: missing });
  return exported as unknown as AnyPlugin;
}

function whatIsMissing(plugin: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof plugin.name !== "string" || plugin.name === "") return "it has no name";
  if (!["stage", "resource", "source", "sink"].includes(plugin.kind as string))
    return `its kind is ${String(plugin.kind)}`;
  if (typeof plugin.open !== "function") return "it has no open()";
  if (typeof (plugin.options as { safeParse?: unknown } | undefined)?.safeParse !== "function")
    return "its options are not a zod schema";
  if (plugin.check !== undefined && typeof plugin.check !== "function") return "its check is no function";
  if (plugin.kind === "stage" && !["needs", "uses", "gives"].every((list) => Array.isArray(plugin[list])))
    return "needs, uses or gives is not a list";
  if (plugin.kind === "resource" && typeof (plugin.fills as { name?: unknown } | undefined)?.name !== "string")
    return "it does not say which port it fills";
  return undefined;
}
