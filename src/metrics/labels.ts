/** Longer values are cut, in characters. */
const LONGEST = 64;

/** A name of strangers for people, no longer than it would be as a label. */
export const shortName = (name: string): string => (name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name);

export type Bounded = (value: unknown) => string;

/**
 * Makes values of one label fit a label, and few: what is not a letter, a digit or one of `_.:/@+-` becomes `_`; after
 * `most` different values, new ones are `other`. An absent value is the empty string.
 */
export function boundedLabel(most = 50): Bounded {
  const known = new Map<unknown, string>();
  const values = new Set<string>();
  return (value) => {
    const seen = known.get(value);
    if (seen !== undefined) return seen;
    const clean = cleanLabel(value);
    if (!values.has(clean) && values.size >= most) return "other";
    values.add(clean);
    // Several raw values may share a clean one; the map must not grow with them.
    if (typeof value === "string" && value.length <= LONGEST && known.size < 2 * most) known.set(value, clean);
    return clean;
  };
}

function cleanLabel(value: unknown): string {
  if (value === undefined || value === null) return "";
  return String(value)
    .slice(0, LONGEST)
    .replaceAll(/[^\w.:/@+-]/g, "_");
}

/** A name that Prometheus takes, at most 128 characters long. */
export const isMetricName = (name: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name);
