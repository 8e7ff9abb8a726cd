import { expect, test } from "vitest";
import { isPublic, lies, listOf, parseNetwork } from "./address.ts";

test.each([
  "1.1.1.1",
  "93.184.216.34",
  "172.32.0.1",
  "100.128.0.1",
  "192.0.1.1",
  "2606:4700::1111",
  "2a00:1450:4001::1",
])("%s is public", (address) => expect(isPublic(address)).toBe(true));

test.each([
  "9.255.255.255/10.0.0.0",
  "100.63.255.255/100.64.0.0",
  "126.255.255.255/127.0.0.0",
  "172.15.255.255/172.16.0.0",
  "223.255.255.255/224.0.0.0",
  "2001:200::1/2001:1ff::1",
  "2003::1/2002::1",
])("the border between inside and outside: %s", (pair) => {
  const [outside, inside] = pair.split("/") as [string, string];
  expect([isPublic(outside), isPublic(inside)]).toEqual([true, false]);
});

test.each(["", "host", "1.2.3", "01.1.1.1", "1.1.1.1 ", "fe80::1%eth0", "2606:4700::1111%1", "::ffff:1.1.1.1"])(
  "%j is no public address",
  (address) => expect(isPublic(address)).toBe(false),
);

test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129", "host/8", "/8", ""])(
  "%j is no network",
  (network) => expect(() => parseNetwork(network)).toThrow("no network such as"),
);

test("an IPv4 network does not take its mapped addresses in", () => {
  const list = listOf(["10.0.0.0/8", "fd00::/8"]);
  expect(["10.1.2.3", "fd12::1", "11.0.0.1", "::ffff:10.1.2.3", "::FFFF:a01:203"].map((a) => lies(a, list))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
