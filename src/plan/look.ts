import type { ConfigText, Path, Problem } from "../config/index.ts";
import { Fault } from "../errors.ts";
import { createHost } from "../host.ts";
import type { CheckHost, Purpose, Refusal } from "../plugin.ts";
import { realFile } from "../real-file.ts";
import { faultProblem } from "./fault-problem.ts";
import type { AnyPlanned } from "./types.ts";

/** What is wrong with what one part names. */
interface Refused extends Refusal {
  readonly part: AnyPlanned;
}

/** A file that a part will read or write. */
interface Claim {
  readonly part: AnyPlanned;
  readonly file: string;
  readonly how: "reads" | "writes";
  readonly option: Path;
}

/** What plugins find by looking at the files and folders that their options name; nothing is opened. */
export async function lookAt(text: ConfigText, parts: readonly AnyPlanned[], purpose: Purpose): Promise<Refused[]> {
  const claims: Claim[] = [];
  const looked = { folder: text.folder, purpose, claims, foretold: foretelling(text.folder, parts) };
  const found = await Promise.all(parts.map((part) => lookAtOne(part, looked)));
  return [...found.flat(), ...(await clashes(claims))];
}

/** At the option that names it. */
export function refusalProblem(text: ConfigText, { part, option, error }: Refused): Problem {
  return faultProblem(text, [...part.path, "options", ...option], error);
}

interface Look extends Pick<CheckHost, "purpose" | "foretold"> {
  readonly folder: string;
  readonly claims: Claim[];
}

async function lookAtOne(part: AnyPlanned, { folder, purpose, claims, foretold }: Look): Promise<Refused[]> {
  const { plugin, options } = part;
  const resolve = resolver(plugin.name, folder);
  const claim = (how: Claim["how"]) => (file: string, option: Path) => void claims.push({ part, file, how, option });
  try {
    const host = { resolve, purpose, foretold, reads: claim("reads"), writes: claim("writes") };
    return ((await plugin.check?.(options, host)) ?? []).map((refusal) => ({ part, ...refusal }));
  } catch (error) {
    return [{ part, option: [], error: error instanceof Error ? error : new Error(String(error)) }];
  }
}

const resolver = (plugin: string, folder: string) =>
  createHost({ plugin, folder, resources: new Map(), log() {}, count() {} }).resolve;

/**
 * Asks the plugins of resources. What is wrong with one of them its own `check` tells, and others those who borrow in a
 * circle, whose names are in `asking`.
 */
function foretelling(
  folder: string,
  parts: readonly AnyPlanned[],
  asking: readonly string[] = [],
): CheckHost["foretold"] {
  return async (name) => {
    const part = parts.find((one) => one.name === name && one.plugin.kind === "resource");
    if (part?.plugin.kind !== "resource" || asking.includes(name)) return undefined;
    const host = {
      resolve: resolver(part.plugin.name, folder),
      foretold: foretelling(folder, parts, [...asking, name]),
    };
    try {
      return (await part.plugin.foretell?.(part.options, host)) as Record<string, unknown> | undefined;
    } catch {
      return undefined;
    }
  };
}

/** Whoever writes a file that another part reads or writes would destroy what the other has there. */
async function clashes(claims: readonly Claim[]): Promise<Refused[]> {
  const real = await Promise.all(claims.map(async (claim) => ({ ...claim, file: await realFile(claim.file) })));
  return real.flatMap(({ part, file, how, option }, i): Refused[] => {
    if (how !== "writes" || file === undefined) return [];
    // Two that write are told of once, at the later one.
    const other = real.find((one, at) => one.part !== part && one.file === file && (one.how === "reads" || at < i));
    if (other === undefined) return [];
    const details = { file, writer: part.name, other: `${other.part.name} ${other.how}` };
    return [{ part, option, error: new Fault("FILE_SHARED", details) }];
  });
}
