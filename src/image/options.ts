import { z } from "zod";
import { parseNetwork } from "./address.ts";

const hostPattern = z.string().transform((written, context) => {
  const [, star = "", name] = /^(\*\.)?(\[[\da-f:.]+\]|[^\s*/@?#\\:[\]]+)$/i.exec(written) ?? [];
  // As a URL writes it: lower case, without umlauts, with numbers for addresses.
  const host = name === undefined ? undefined : URL.parse(`https://${name}/`)?.hostname;
  if (host !== undefined) return star + withoutDot(host);
  context.addIssue({ code: "custom", message: `${written} is no host such as pbs.example.org or *.example.org` });
  return z.NEVER;
});

const network = z.string().refine(
  (written) => {
    try {
      return parseNetwork(written).bits >= 0;
    } catch {
      return false;
    }
  },
  { error: "is no network such as 10.1.0.0/16 or fd00::/8" },
);

/** `example.org.` is `example.org`: a name from the root. */
export const withoutDot = (host: string): string => (host.endsWith(".") ? host.slice(0, -1) : host);

/** Where images may come from, and how large they may be. By default nothing is fetched and no file is opened. */
export const imageOptions = z.strictObject({
  folders: z
    .array(z.string())
    .readonly()
    .default([])
    .describe("Folders that image files may lie in; relative paths start at the first. None by default"),
  hosts: z
    .array(hostPattern)
    .readonly()
    .default([])
    .describe("Hosts that images may be fetched from, as pbs.example.org or *.example.org. None by default"),
  http: z.boolean().default(false).describe("Fetch over plain http too"),
  ports: z
    .array(z.int().min(1).max(65_535))
    .readonly()
    .default([])
    .describe("Ports besides 443 for https and 80 for http"),
  networks: z
    .array(network)
    .readonly()
    .default([])
    .describe("Private networks that the hosts may lie in, as 10.1.0.0/16. None by default"),
  maxBytes: z
    .int()
    .positive()
    .default(8 * 1024 * 1024)
    .describe("Larger files are refused"),
  maxPixels: z.int().positive().max(25_000_000).default(25_000_000).describe("More pixels are refused, by the header"),
  timeoutMs: z.int().positive().default(5000).describe("Time limit of one image, from its first byte to the last"),
  maxSide: z.int().min(16).max(4096).default(768).describe("Longest side in pixels of what a model is shown"),
  maxImages: z.int().positive().default(4).describe("Images of one post that are looked at; the others are left out"),
  cacheBytes: z
    .int()
    .nonnegative()
    .default(64 * 1024 * 1024)
    .describe("Scaled pictures kept for reposts, in bytes; 0 keeps none"),
});

export type ImageOptions = z.output<typeof imageOptions>;
