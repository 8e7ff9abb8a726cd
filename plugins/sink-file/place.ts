import { checkWritable, Fault } from "starling-ner";

/** Looks whether a file can be written at `path`, without making it or a folder. Throws OUTPUT_FAILED. */
export async function checkPlace(path: string): Promise<void> {
  checkWritable(path, (reason, cause) => new Fault("OUTPUT_FAILED", { output: path, reason }, { cause }));
}
