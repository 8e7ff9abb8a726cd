import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { type ConfigText, type Path, type Problem, problemAt } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { checkWritable } from "../writable-place.ts";
import { at, mapping } from "./at.ts";
import { namedBy } from "./drift-section.ts";
import { faultProblem } from "./fault-problem.ts";

export interface Looked {
  readonly train: boolean;
  readonly evaluate: boolean;
  readonly drift: boolean;
  /** Whether the place of the saved model is looked at by who saves it. */
  readonly outGiven: boolean;
}

/** Data files of the sections for training, scoring and drift that are not there, and folders that will not do. */
export async function sectionFileProblems(text: ConfigText, looked: Looked): Promise<Problem[]> {
  const { train, evaluate, drift, outGiven } = looked;
  const raw = mapping(text.value);
  const data = [
    ...(train ? trainFiles(raw.train) : []),
    ...(evaluate ? evaluateFiles : []),
    ...(drift ? driftFiles(raw.drift) : []),
  ];
  const missing = await Promise.all(data.map((path) => missingFile(text, path)));
  const places = train ? await placeProblems(text, outGiven) : [];
  return [...missing.flat(), ...places, ...(drift ? await driftPlaceProblems(text) : [])];
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

const driftFiles = (section: unknown): Path[] =>
  (["events", "feedback"] as const).flatMap((kind) =>
    namedBy(section, kind, "files").map((_, i): Path => ["drift", kind, "files", i]),
  );

/** The model that events are held against is read as `starling drift` does; the store's place has to be one that can be made. */
async function driftPlaceProblems(text: ConfigText): Promise<Problem[]> {
  const { readReference } = await import("../drift/reference.ts");
  const looks: [Path, (path: string) => Promise<unknown>][] = [
    [["drift", "model"], (folder) => readReference(folder)],
    [["drift", "store"], storePlace],
  ];
  const found = looks.map(async ([path, look]): Promise<Problem[]> => {
    const name = at(text.value, path);
    if (typeof name !== "string" || name === "") return [];
    return look(resolve(text.folder, name)).then(
      () => [],
      (error: Error) => [faultProblem(text, path, error)],
    );
  });
  return (await Promise.all(found)).flat();
}

const storePlace = async (path: string): Promise<void> =>
  checkWritable(path, (reason, cause) => new Fault("DRIFT_STORE", { path, reason }, { cause }));

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
