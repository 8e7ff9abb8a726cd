import { Fault } from "../errors.ts";

/** A flag that is a whole number from 1; undefined where it is not given. Throws USAGE. */
export function wholeNumber(flag: string, written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  if (/^[1-9]\d{0,15}$/.test(written)) return Number(written);
  throw new Fault("USAGE", { what: `${flag} ${written} is no whole number from 1`, help: "give a number such as 100" });
}

/** The same for a number that may be 0, such as a port. */
export function numberFrom0(flag: string, written: string, max = Number.MAX_SAFE_INTEGER): number {
  if (/^\d{1,15}$/.test(written) && Number(written) <= max) return Number(written);
  throw new Fault("USAGE", { what: `${flag} ${written} is no whole number from 0 to ${max}`, help: "give another" });
}
