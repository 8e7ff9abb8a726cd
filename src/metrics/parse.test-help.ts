export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of a page in either format; throws on a line that is none. */
export function parseMetrics(page: string): Sample[] {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name, labels = "", value] =
      /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)(?: # \{.*\} \S+ \S+)?$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`no sample: ${line}`);
    const pairs = Array.from(labels.matchAll(/(\w+)="((?:[^"\\\n]|\\.)*)"/g), ([, key, text]) => [key!, text!]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value!.replace("+Inf", "Infinity")) };
  });
}
