import { type ConfigText, type Path, type Problem, problemAt, showPath } from "../config/index.ts";
import { isFault } from "../errors.ts";

/** What is wrong with the value at `path`: a fault keeps its code, and any other error is said of the value. */
export function faultProblem(text: ConfigText, path: Path, error: Error): Problem {
  if (!isFault(error)) return problemAt(text, path, "CONFIG_VALUE", { path: showPath(path), why: error.message });
  return { code: error.code, message: error.message, file: text.file, ...text.position(path) };
}
