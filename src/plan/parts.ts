import { type ConfigText, type Path, type Problem, validate } from "../config/index.ts";
import { isFault } from "../errors.ts";
import { type Builtins, type Kind, loadPlugin, type PluginOf } from "../load.ts";
import { at, mapping } from "./at.ts";
import type { Planned } from "./types.ts";

/** A part that the config names, as far as it is known: what it declares, where its plugin could be loaded. */
export interface Named<K extends Kind> {
  readonly name: string;
  readonly path: Path;
  readonly plugin?: PluginOf<K>;
  /** Present where the options are right too. */
  readonly planned?: Planned<K>;
}

/** The plugins that a config names, as far as they could be loaded. */
export interface Parts {
  readonly source?: Planned<"source">;
  readonly sink?: Planned<"sink">;
  readonly deadLetters?: Planned<"sink">;
  readonly resources: readonly Planned<"resource">[];
  readonly stages: readonly Planned<"stage">[];
  /** All resources and stages that are named, in their order: those above, and those with something wrong. */
  readonly named: { readonly resources: readonly Named<"resource">[]; readonly stages: readonly Named<"stage">[] };
  readonly problems: readonly Problem[];
}

/** Loads each plugin that is named, as far as the config can be read, so that all problems are reported at once. */
export async function loadParts(text: ConfigText, builtins: Builtins | undefined): Promise<Parts> {
  const problems: Problem[] = [];
  const load = <K extends Kind>(kind: K, path: Path, name?: string) =>
    loadPart(kind, { text, path, problems, builtins, ...(name !== undefined && { name }) });
  const raw = mapping(text.value);
  const [source, sink, deadLetters] = [
    (await load("source", ["source"], "source")).planned,
    (await load("sink", ["sink"], "sink")).planned,
    (await load("sink", ["deadLetters"], "deadLetters")).planned,
  ];
  const resources = [];
  for (const name of Object.keys(mapping(raw.resources)))
    resources.push(await load("resource", ["resources", name], name));
  const stages = [];
  for (const i of Array.isArray(raw.stages) ? raw.stages.keys() : []) stages.push(await load("stage", ["stages", i]));
  return {
    ...(source && { source }),
    ...(sink && { sink }),
    ...(deadLetters && { deadLetters }),
    resources: resources.flatMap(({ planned }) => planned ?? []),
    stages: stages.flatMap(({ planned }) => planned ?? []),
    named: { resources, stages },
    problems,
  };
}

interface LoadOptions {
  readonly text: ConfigText;
  readonly path: Path;
  readonly name?: string;
  readonly problems: Problem[];
  readonly builtins: Builtins | undefined;
}

async function loadPart<K extends Kind>(
  kind: K,
  { text, path, name, problems, builtins }: LoadOptions,
): Promise<Named<K>> {
  const raw = mapping(at(text.value, path));
  const given = name ?? (typeof raw.name === "string" ? raw.name : undefined);
  const unknown = { name: given ?? path.join("."), path };
  if (typeof raw.use !== "string" || raw.use === "") return unknown;
  try {
    const plugin = await loadPlugin(raw.use, kind, text.file, builtins);
    const named = { name: given ?? plugin.name, path, plugin };
    const options = validate(plugin.options, raw.options ?? {}, text, [...path, "options"]);
    problems.push(...options.problems);
    if (!("value" in options)) return named;
    const shown = at(text.shown, [...path, "options"]);
    return { ...named, planned: { ...named, options: options.value, shown } };
  } catch (error) {
    if (!isFault(error)) throw error;
    problems.push({ code: error.code, message: error.message, file: text.file, ...text.position([...path, "use"]) });
    return unknown;
  }
}
