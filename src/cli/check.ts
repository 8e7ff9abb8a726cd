import { Command } from "commander";
import { showProblem, sortProblems } from "../config/index.ts";
import { driftVerdict } from "../plan/drift-section.ts";
import { checkConfig, type Plan } from "../plan.ts";
import { readConfig } from "./config-file.ts";

const notes = `
Each problem is file:line:column, what is wrong, how to mend it, and a code that docs/errors.md explains.
Exit code 0 where the config is in order, also with warnings; 2 where it is not.`;

export function checkCommand(): Command {
  return new Command("check")
    .argument("[config]", "config to check; without it, the one that comes with the package")
    .option("--no-files", "look at no files and folders that the config names, on a machine that lacks them")
    .option("--json", "print problems and warnings as JSON")
    .option("--verbose", "show stacks of faults")
    .addHelpText("after", notes)
    .action(check);
}

interface CheckFlags {
  readonly json?: boolean;
  readonly files: boolean;
}

/** Prints every problem; exit code 2 when there is one. Warnings alone are fine. */
async function check(file: string | undefined, { json, files }: CheckFlags): Promise<void> {
  const text = await readConfig(file);
  const { plan, problems, warnings } = await checkConfig(text, { look: files });
  const clean = <T extends { readonly message: string }>(found: readonly T[]) =>
    found.map((one) => ({ ...one, message: text.redact(one.message) }));
  const told = { problems: clean(sortProblems(problems)), warnings: clean(sortProblems(warnings)) };
  if (problems.length > 0) process.exitCode = 2;
  if (json) process.stdout.write(`${JSON.stringify({ file: text.file, ...told })}\n`);
  else {
    for (const problem of told.problems) process.stderr.write(`${showProblem(problem)}\n`);
    for (const warning of told.warnings) process.stderr.write(`warning: ${showProblem(warning)}\n`);
    if (plan) process.stdout.write(`${text.file} is in order: ${verdict(plan)}\n`);
  }
}

function verdict({ stages, sections: { drift } }: Plan): string {
  const flow = stages.map(({ name }) => name).join(" > ");
  return [flow, drift === undefined ? "" : driftVerdict(drift)].filter((part) => part !== "").join("; ") || "no stages";
}
