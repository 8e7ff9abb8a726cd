import { Fault, type FaultCode, type FaultDetails } from "../errors.ts";
import type { ConfigText, Path } from "./text.ts";

/** One thing wrong with a config, and where: line and column count from 1. */
export interface Problem {
  readonly code: FaultCode;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A problem at `path`; at its value, or at its key where the key itself is wrong. */
export function problemAt<C extends FaultCode>(
  text: Pick<ConfigText, "file" | "position">,
  path: Path,
  code: C,
  details: FaultDetails<C>,
  at: "key" | "value" = "value",
): Problem {
  return { code, message: new Fault(code, details).message, file: text.file, ...text.position(path, at) };
}

/** `file:line:column: sentence [CODE]`, as editors and terminals link it. */
export const showProblem = ({ file, line, column, message, code }: Problem): string =>
  `${file}:${line}:${column}: ${message} [${code}]`;

/** One fault for all problems of a file, in the order they stand in it. */
export function configInvalid(text: ConfigText, problems: readonly Problem[]): Fault<"CONFIG_INVALID"> {
  const inOrder = sortProblems(problems).map((problem) => text.redact(showProblem(problem)));
  return new Fault("CONFIG_INVALID", { file: text.file, problems: inOrder });
}

export const sortProblems = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
