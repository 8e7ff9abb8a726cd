import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { Fault } from "../errors.ts";
import type { GateEvaluation } from "../evaluate/gate/index.ts";
import { plotGate, plotPage } from "../evaluate/gate/plot.ts";
import type { Report } from "../evaluate/index.ts";

export interface GatePlaces {
  readonly plot?: string | undefined;
  readonly save?: string | undefined;
}

/** Throws USAGE where a flag goes without `--gate`, or the plot's name does not say what it is. */
export function gatePlaces({ gate, plot, save }: GatePlaces & { readonly gate?: boolean }): GatePlaces {
  if (!gate && (plot ?? save) !== undefined)
    throw new Fault("USAGE", {
      what: `--${plot === undefined ? "save" : "plot"} goes with --gate`,
      help: "add --gate",
    });
  if (plot !== undefined && !/\.(?:svg|html)$/i.test(plot))
    throw new Fault("USAGE", { what: `--plot ${plot}: neither .svg nor .html`, help: "name it so" });
  return { plot, save };
}

/** Writes the plot, and the file that a gate reads. Throws OUTPUT_FAILED. */
export async function writeGate({ file }: GateEvaluation, told: Report, { plot, save }: GatePlaces): Promise<void> {
  if (save !== undefined) await write(save, `${JSON.stringify(file, null, 2)}\n`);
  if (plot === undefined || told.gate === undefined) return;
  const title = `F1 by posts asked about: ${basename(told.data)}, ${told.model}`;
  const svg = plotGate(told.gate, title);
  await write(plot, /\.html$/i.test(plot) ? plotPage(svg, title) : svg);
}

/** For a folder of figures: where this machine keeps its data is nobody's business. Throws OUTPUT_FAILED. */
export const writeReport = (output: string, told: Report): Promise<void> =>
  write(output, `${JSON.stringify({ ...told, data: told.data.split(/[\\/]/).slice(-2).join("/") }, null, 2)}\n`);

async function write(output: string, text: string): Promise<void> {
  try {
    await writeFile(output, text);
  } catch (cause) {
    throw new Fault("OUTPUT_FAILED", { output, reason: (cause as Error).message }, { cause });
  }
}
