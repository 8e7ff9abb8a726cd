import { Fault, type FaultCode, isFault } from "../errors.ts";

/** Faults after which no post has been read, or none been learnt from or scored: the user has to change something first. */
const neverStarted: readonly FaultCode[] = [
  "BANK_EMPTY",
  "CARD_BROKEN",
  "CHECKPOINT_MISSING",
  "CHECKPOINT_OF_ANOTHER_RUN",
  "CONFIG_INVALID",
  "CONFIG_KEY_MISSING",
  "CONFIG_UNREADABLE",
  "DATA_EMPTY",
  "DATA_MALFORMED",
  "DATA_SHARED",
  "DATA_TYPES_UNKNOWN",
  "DATA_UNREADABLE",
  "DRIFT_STORE",
  "EVALUATE_TAGGER",
  "HTTP_LISTEN",
  "INPUT_INVALID",
  "INPUT_MISSING",
  "LOG_RANGE_ELSEWHERE",
  "MANIFEST_BROKEN",
  "MANIFEST_MISMATCH",
  "MANIFEST_MISSING",
  "MODEL_FAMILY_UNKNOWN",
  "MODEL_FILE_INVALID",
  "MODEL_FILE_MISSING",
  "OUTPUT_IN_USE",
  "PLUGIN_OPEN_FAILED",
  "RESOURCE_PORT",
  "RESOURCE_UNKNOWN",
  "TAGGER_NOT_TRAINABLE",
  "TOKENIZER_MISMATCH",
  "TRAIN_DATA_UNFIT",
  "USAGE",
];

/** 1 for a fault while running, 2 where nothing was started. docs/cli.md lists them all. */
export const exitCodeOf = (error: unknown): number =>
  isFault(error) && (neverStarted as readonly string[]).includes(error.code) ? 2 : 1;

/** How long handles that a plugin left open may keep the process alive, in milliseconds. */
const GRACE_MS = 1000;

/** Ends when nothing is left to do, at the latest after a second. */
export function exit(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), GRACE_MS).unref();
}

/** Whether a fault only says that whoever reads us has enough, as `head -1` has; what was not acknowledged stays in the input. */
export const hasEnough = (error: unknown): boolean => isFault(error) && error.code === "OUTPUT_CLOSED";

/**
 * The same for what commands print themselves. Any other fault of standard output, such as a full disk behind it, is told
 * at the end, unless the command failed with it: a sink tells its own.
 */
export function quietWhenClosed(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    process.once("exit", (code) => {
      if (code !== 0) return;
      process.stderr.write(`starling: ${outputFault(error).message}\n`);
      process.exitCode = 1;
    });
  });
  process.stderr.on("error", () => {});
}

function outputFault(cause: NodeJS.ErrnoException): Fault {
  const output = "standard output";
  if (cause.code === "ENOSPC" || cause.code === "EDQUOT") return new Fault("OUTPUT_FULL", { output }, { cause });
  return new Fault("OUTPUT_FAILED", { output, reason: cause.message }, { cause });
}
