import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { type ConfigText, type Path, type Problem, problemAt } from "../config/index.ts";
import { at, mapping } from "./at.ts";

export interface Looked {
  readonly train: boolean;
  readonly evaluate: boolean;
  /** Whether the place of the saved model is looked at by who saves it. */
  readonly outGiven: boolean;
}

/** Data files of the sections for training and scoring that are not there, and folders that cannot be written. */
export async function sectionFileProblems(text: ConfigText, { train, evaluate, outGiven }: Looked): Promise<Problem[]> {
  const raw = mapping(text.value);
  const data = [...(train ? trainFiles(raw.train) : []), ...(evaluate ? evaluateFiles : [])];
  const missing = await Promise.all(data.map((path) => missingFile(text, path)));
  const places = train ? await placeProblems(text, outGiven) : [];
  return [...missing.flat(), ...places];
}

const besides = ["path", "knowledge", "captions"] as const;

/** One data set or a list of them, twice. */
function trainFiles(section: unknown): Path[] {
  return ["train", "valid"].flatMap((name) => {
    const sets = at(section, ["data", name]);
    const paths: Path[] = Array.isArray(sets) ? sets.map((_, i) => [i]) : [[]];
    return paths.flatMap((path) => besides.map((file): Path => ["train", "data", name, ...path, file]));
  });
}

const evaluateFiles: readonly Path[] = [
  ...besides.map((file): Path => ["evaluate", "data", file]),
  ["evaluate", "train"],
  ["evaluate", "valid"],
];

async function missingFile(text: ConfigText, path: Path): Promise<Problem[]> {
  const name = at(text.value, path);
  if (typeof name !== "string" || name === "") return [];
  const file = resolve(text.folder, name);
  return access(file, constants.R_OK).then(
    () => [],
    ({ code, message }: NodeJS.ErrnoException) => {
      const cause = code === "ENOENT" ? "there is no such file" : message;
      return [problemAt(text, path, "DATA_UNREADABLE", { file, cause })];
    },
  );
}

async function placeProblems(text: ConfigText, outGiven: boolean): Promise<Problem[]> {
  const { whyNotAFolder, whyNotSaved } = await import("../train/places.ts");
  const looks: [Path, (path: string) => Promise<string | undefined>][] = [
    [["train", "checkpoints", "folder"], whyNotAFolder],
  ];
  if (!outGiven) looks.push([["train", "out"], (path) => whyNotSaved(path, { seeds: true })]);
  const found = looks.map(async ([path, why]) => {
    const name = at(text.value, path);
    if (typeof name !== "string" || name === "") return [];
    const output = resolve(text.folder, name);
    const reason = await why(output);
    return reason === undefined ? [] : [problemAt(text, path, "OUTPUT_FAILED", { output, reason })];
  });
  return (await Promise.all(found)).flat();
}
