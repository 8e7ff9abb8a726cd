import { Fault } from "../errors.ts";
import { type BatchMode, isConll } from "../record/index.ts";

export interface RecordFlags {
  readonly data: string;
  readonly output: string;
  readonly captions?: string;
  readonly limit?: string;
  readonly maxUsd?: string;
  readonly estimate?: boolean;
  readonly gate?: boolean;
  readonly batch?: BatchMode;
  readonly batchSize?: string;
  readonly batchLook?: string;
  readonly verbose?: boolean;
}

/** Flags that nothing would heed are a mistake. */
export function refuseIdle({ batch, batchSize, batchLook, captions, data }: RecordFlags): void {
  const idle = [
    ...(batch === undefined && batchSize !== undefined ? [["--batch-size", "add --batch"]] : []),
    ...(batch === undefined && batchLook !== undefined ? [["--batch-look", "add --batch"]] : []),
    ...(captions !== undefined && !isConll(data)
      ? [["--captions", "it belongs to CoNLL; posts of .ndjson have their captions from stages"]]
      : []),
  ];
  const [[flag, help] = []] = idle;
  if (flag !== undefined) throw new Fault("USAGE", { what: `${flag} does nothing here`, help: help! });
}

/** Of `--max-usd`, in US dollars. Throws USAGE. */
export function amount(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(written) && Number(written) > 0) return Number(written);
  throw new Fault("USAGE", { what: `--max-usd ${written} is no amount`, help: "give US dollars, such as 2.50" });
}
