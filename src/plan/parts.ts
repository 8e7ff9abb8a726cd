import { type ConfigText, type Path, type Problem, validate } from "../config/index.ts";
import { isFault } from "../errors.ts";
import { type Builtins, type Kind, loadPlugin } from "../load.ts";
import { at, mapping } from "./at.ts";
import type { Planned } from "./types.ts";

/** The plugins that a config names, as far as they could be loaded. */
export interface Parts {
  readonly source?: Planned<"source">;
  readonly sink?: Planned<"sink">;
  readonly deadLetters?: Planned<"sink">;
  readonly resources: readonly Planned<"resource">[];
  readonly stages: readonly Planned<"stage">[];
  /** Whether every resource and every stage is there, so that they can be judged together. */
  readonly whole: { readonly resources: boolean; readonly stages: boolean };
  readonly problems: readonly Problem[];
}

/** Loads each plugin that is named, as far as the config can be read, so that all problems are reported at once. */
export async function loadParts(text: ConfigText, builtins: Builtins | undefined): Promise<Parts> {
  const problems: Problem[] = [];
  const load = <K extends Kind>(kind: K, path: Path, name?: string) =>
    loadPart(kind, { text, path, problems, builtins, ...(name !== undefined && { name }) });
  const raw = mapping(text.value);
  const [source, sink, deadLetters] = [
    await load("source", ["source"], "source"),
    await load("sink", ["sink"], "sink"),
    await load("sink", ["deadLetters"], "deadLetters"),
  ];
  const resources = [];
  for (const name of Object.keys(mapping(raw.resources)))
    resources.push(await load("resource", ["resources", name], name));
  const stages = [];
  for (const i of Array.isArray(raw.stages) ? raw.stages.keys() : []) stages.push(await load("stage", ["stages", i]));
  const found = <T>(part: T | undefined) => part !== undefined;
  const whole = { resources: resources.every(found), stages: stages.every(found) };
  return {
    ...(source && { source }),
    ...(sink && { sink }),
    ...(deadLetters && { deadLetters }),
    resources: resources.filter(found),
    stages: stages.filter(found),
    whole,
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
): Promise<Planned<K> | undefined> {
  const raw = mapping(at(text.value, path));
  if (typeof raw.use !== "string" || raw.use === "") return undefined;
  try {
    const plugin = await loadPlugin(raw.use, kind, text.file, builtins);
    const options = validate(plugin.options, raw.options ?? {}, text, [...path, "options"]);
    problems.push(...options.problems);
    if (!("value" in options)) return undefined;
    const own = typeof raw.name === "string" ? raw.name : plugin.name;
    return { name: name ?? own, plugin, options: options.value, shown: at(text.shown, [...path, "options"]), path };
  } catch (error) {
    if (!isFault(error)) throw error;
    problems.push({ code: error.code, message: error.message, file: text.file, ...text.position([...path, "use"]) });
    return undefined;
  }
}
