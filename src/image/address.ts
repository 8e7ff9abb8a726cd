import { BlockList, isIP, isIPv6 } from "node:net";

/**
 * IPv4 that is not the public internet: the IANA special-purpose registry (RFC 6890 and its updates), multicast, what is
 * reserved, and the one public address behind which a cloud hides its control plane.
 */
const special4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** IPv6 is public inside 2000::/3 alone: loopback, mapped, NAT64, unique local, link-local and multicast lie outside. */
const global6 = ["2000::/3"];

/** And not even all of that: 2001::/23 has Teredo and other protocols, 2002::/16 (6to4) hides an IPv4 address. */
const special6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/** A network as `address/bits`; throws a RangeError that says what is wrong with it. */
export function parseNetwork(network: string): { readonly address: string; readonly bits: number } {
  const [address = "", length = "", more] = network.split("/");
  const most = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || more !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > most)
    throw new RangeError(`${network} is no network such as 10.1.0.0/16 or fd00::/8`);
  return { address, bits: Number(length) };
}

export function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const { address, bits } of networks.map(parseNetwork))
    list.addSubnet(address, bits, isIPv6(address) ? "ipv6" : "ipv4");
  return list;
}

const special = { ipv4: listOf(special4), ipv6: listOf(special6) };
const global = listOf(global6);

/** Whether an address is one of the public internet, of nobody's inside. What is no address is not. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.ipv4.check(address, "ipv4");
  // A zone names a network card of this machine.
  return (
    family === 6 && !address.includes("%") && global.check(address, "ipv6") && !special.ipv6.check(address, "ipv6")
  );
}

/** Whether an address lies in a list; a mapped IPv4 address is none of IPv4 here. */
export function lies(address: string, list: BlockList): boolean {
  const family = isIP(address);
  if (family === 6 && /^::ffff:/i.test(address)) return false;
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}
