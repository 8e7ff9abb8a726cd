import { Fault } from "../errors.ts";

/** A flag that is a whole number from 1; undefined where it is not given. Throws USAGE. */
export function wholeNumber(flag: string, written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (/^[1-9]\d{0,15}$/.test(written)) return Number(written);
  throw new Fault("USAGE", { what: `${flag} ${written} is no whole number from 1`, help: "give a number such as 100" });
}
