import { type BlockList, isIP } from "node:net";
import { isPublic, lies, listOf } from "./address.ts";
import { type ImageOptions, withoutDot } from "./options.ts";
import { Refusal } from "./refusal.ts";

export type UrlRules = Pick<ImageOptions, "hosts" | "http" | "ports" | "networks">;

/** Decides where a connection may go. It refuses by throwing. */
export interface Targets {
  /** The URL as it will be asked for: the first one, or a redirect's against `base`. */
  url(written: string, base?: URL): URL;
  /** An address that a name stands for. */
  address(address: string): void;
}

const refuse = (why: string): never => {
  throw new Refusal("image_refused", why);
};

export function createTargets({ hosts, http, ports, networks }: UrlRules): Targets {
  const exact = new Set(hosts.filter((host) => !host.startsWith("*.")));
  const endings = hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(1));
  const inside = listOf(networks);
  const allowed = (host: string) =>
    exact.has(host) || (isIP(bare(host)) === 0 && endings.some((end) => host.endsWith(end)));

  return {
    url(written, base) {
      const url = URL.parse(written, base?.href) ?? refuse("its URL cannot be read");
      if (url.protocol !== "https:" && !(http && url.protocol === "http:"))
        refuse(url.protocol === "http:" ? "plain http is off; set images.http" : "its URL is neither https nor http");
      if (url.username !== "" || url.password !== "") refuse("its URL carries a name or a password");
      if (!allowed(withoutDot(url.hostname))) refuse("its host is not in images.hosts");
      if (url.port !== "" && !ports.includes(Number(url.port))) refuse("its port is not in images.ports");
      const literal = bare(url.hostname);
      if (isIP(literal) !== 0) checkAddress(literal, inside);
      return url;
    },
    address: (address) => checkAddress(address, inside),
  };
}

const checkAddress = (address: string, inside: BlockList): void => {
  if (!isPublic(address) && !lies(address, inside))
    refuse("its host has an address that is not of the public internet; images.networks may name inner networks");
};

/** `[::1]` of a URL is the address ::1. */
const bare = (host: string): string => (host.startsWith("[") ? host.slice(1, -1) : host);
