import type { Picture } from "starling-ner";

export interface Spec {
  /** File of the library, as its users' side resolves it. */
  readonly library: string;
  /** An absolute folder, or a name on the hub. */
  readonly model: string;
  readonly cache: string;
  readonly download: boolean;
  readonly dtype: string;
  readonly device: string;
  readonly maxTokens: number;
}

export type Shown = Pick<Picture, "bytes" | "type">;
