import { didYouMean } from "./config/nearest.ts";
import type { FaultCode, FaultDetails } from "./errors.ts";
import type { Fact } from "./facts.ts";
import type { OnFail } from "./flow/types.ts";
import type { Borrow } from "./plugin.ts";

/** What the order check reads of a stage. */
export interface StageDeclaration {
  /** Unique in the pipeline. */
  readonly name: string;
  readonly needs: readonly Fact[];
  readonly uses: readonly Fact[];
  readonly gives: readonly Fact[];
  readonly onFail: OnFail;
  /** Its plugin could not be loaded: it may give any fact. */
  readonly unknown?: boolean;
}

/** What is wrong with one stage or resource; `at` is its index or its name. */
export type Finding<A = number> = {
  [C in FaultCode]: { readonly at: A; readonly code: C; readonly details: FaultDetails<C> };
}[FaultCode];

/**
 * Holds what stages need against what stands before them, before anything opens:
 * - a needed fact that no earlier stage gives (FACT_MISSING);
 * - a needed fact whose only giver goes on without it when it fails (FACT_SKIPPED);
 * - a fact given twice (FACT_TWICE), unless the later stage reads it too: then it means to refine it.
 * What a stage that is unknown might give is not missed.
 * `givers` names, for each fact, the built-in stages that give it.
 */
export function checkOrder(
  stages: readonly StageDeclaration[],
  givers: ReadonlyMap<Fact, readonly string[]>,
): Finding[] {
  return stages.flatMap((stage, at) => {
    const before = stages.slice(0, at);
    return [...missing(stage, at, stages, givers), ...skipped(stage, before, stages), ...twice(stage, at, before)];
  });
}

const gives = (fact: Fact) => (stage: StageDeclaration) => stage.gives.includes(fact);

function missing(
  stage: StageDeclaration,
  at: number,
  stages: readonly StageDeclaration[],
  givers: ReadonlyMap<Fact, readonly string[]>,
): Finding[] {
  const before = stages.slice(0, at);
  if (before.some(({ unknown }) => unknown)) return [];
  return stage.needs
    .filter((fact) => !before.some(gives(fact)))
    .map((fact) => {
      const later = stages.slice(at + 1).find(gives(fact));
      const known = givers.get(fact) ?? [];
      const giver = later ? `${later.name} (now behind it)` : known.join(" or ") || `a stage that gives "${fact}"`;
      return { at, code: "FACT_MISSING", details: { stage: stage.name, fact, giver } };
    });
}

function skipped(
  stage: StageDeclaration,
  before: readonly StageDeclaration[],
  stages: readonly StageDeclaration[],
): Finding[] {
  if (before.some(({ unknown }) => unknown)) return [];
  return stage.needs.flatMap((fact): Finding[] => {
    const all = before.filter(gives(fact));
    if (all.length === 0 || all.some(({ onFail }) => onFail !== "skip")) return [];
    const giver = all.at(-1)!;
    const details = { stage: giver.name, fact, needer: stage.name };
    return [{ at: stages.indexOf(giver), code: "FACT_SKIPPED", details }];
  });
}

function twice(stage: StageDeclaration, at: number, before: readonly StageDeclaration[]): Finding[] {
  return stage.gives.flatMap((fact): Finding[] => {
    const first = before.find(gives(fact));
    if (first === undefined || [...stage.needs, ...stage.uses].includes(fact)) return [];
    return [{ at, code: "FACT_TWICE", details: { stage: stage.name, fact, first: first.name } }];
  });
}

/** Facts that a stage would use, and that only later ones give (FACT_LATE): it never sees them. */
export function checkUses(stages: readonly StageDeclaration[]): Finding[] {
  return stages.flatMap((stage, at) => {
    const early = stages.slice(0, at + 1);
    if (early.some(({ unknown }) => unknown)) return [];
    return stage.uses.flatMap((fact): Finding[] => {
      const later = stages.slice(at + 1).find(gives(fact));
      if (later === undefined || early.some(gives(fact))) return [];
      return [{ at, code: "FACT_LATE", details: { stage: stage.name, fact, giver: later.name } }];
    });
  });
}

/** Knowledge that no later stage reads (FACT_UNUSED): it is paid for, and changes no entity. */
export function checkUnused(stages: readonly StageDeclaration[]): Finding[] {
  const at = stages.findLastIndex(gives("knowledge"));
  const after = stages.slice(at + 1);
  const read = after.some(({ needs, uses, unknown }) => unknown || [...needs, ...uses].includes("knowledge"));
  if (at < 0 || read) return [];
  return [{ at, code: "FACT_UNUSED", details: { stage: stages[at]!.name, fact: "knowledge", reader: "final" } }];
}

/** Names that two stages share. */
export function checkNames(stages: readonly { readonly name: string }[]): Finding[] {
  const names = stages.map(({ name }) => name);
  return names.flatMap((name, at): Finding[] =>
    names.indexOf(name) < at ? [{ at, code: "STAGE_NAME_TWICE", details: { name } }] : [],
  );
}

/** Resources that a borrower asks for and that are missing or fill another port; a port may be unknown. */
export function checkBorrows<A>(
  borrower: { readonly at: A; readonly name: string; readonly borrows: readonly Borrow[] },
  ports: ReadonlyMap<string, string | undefined>,
): Finding<A>[] {
  return borrower.borrows.flatMap(({ port, name }): Finding<A>[] => {
    const found = ports.get(name);
    const who = { at: borrower.at, borrower: borrower.name };
    if (!ports.has(name)) {
      const help = didYouMean(name, [...ports.keys()]);
      return [{ at: who.at, code: "RESOURCE_UNKNOWN", details: { borrower: who.borrower, name, help } }];
    }
    if (found === undefined || found === port.name) return [];
    return [{ at: who.at, code: "RESOURCE_PORT", details: { borrower: who.borrower, name, wanted: port.name, found } }];
  });
}

/**
 * Names ordered so that each stands after what it borrows, otherwise as they were;
 * `cycle` holds names that borrow each other in a circle.
 */
export function openingOrder(borrows: ReadonlyMap<string, readonly string[]>): {
  readonly order: readonly string[];
  readonly cycle?: readonly string[];
} {
  const order: string[] = [];
  let waiting = [...borrows.keys()];
  while (waiting.length > 0) {
    const open = waiting.filter((name) =>
      borrows.get(name)!.every((other) => order.includes(other) || !borrows.has(other)),
    );
    if (open.length === 0) return { order, cycle: waiting };
    order.push(open[0]!);
    waiting = waiting.filter((name) => name !== open[0]);
  }
  return { order };
}
