import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { listen, live, names, open } from "./servers.test-help.ts";

/** Every address that any socket of this process set out for. */
let attempts: string[] = [];

beforeEach(() => {
  attempts = [];
  const emit = Socket.prototype.emit as (this: Socket, ...event: unknown[]) => boolean;
  vi.spyOn(Socket.prototype, "emit").mockImplementation(function (this: Socket, ...event: unknown[]) {
    if (event[0] === "connectionAttempt") attempts.push(String(event[1]));
    return emit.apply(this, event);
  });
});
afterEach(() => void vi.restoreAllMocks());

const secret = () => listen("127.0.0.2", (_, response) => response.end("the secret"));

/** Whatever the host: it is on the list, its port too, and plain http is allowed. Only the address speaks against it. */
const literals = [
  "127.0.0.1",
  "127.0.0.2",
  "127.255.255.254",
  "127.1",
  "127.0.2",
  "2130706434",
  "0x7f000002",
  "0x7f.0.0.2",
  "0x7f.0x2",
  "0177.0.0.2",
  "0177.2",
  "017700000002",
  "00000177.0.0.2",
  "127.0.0.2.",
  "１２７.０.０.２",
  "①②⑦.⓪.⓪.②",
  "127。0。0。2",
  "127%2e0%2e0%2e2",
  "%31%32%37.0.0.2",
  "0",
  "0.0.0.0",
  "0.0.0.1",
  "[::1]",
  "[::]",
  "[0000:0000:0000:0000:0000:0000:0000:0001]",
  "[::ffff:127.0.0.2]",
  "[::ffff:7f00:2]",
  "[0:0:0:0:0:FFFF:7F00:0002]",
  "[::127.0.0.2]",
  "[::ffff:0:127.0.0.2]",
  "[64:ff9b::127.0.0.2]",
  "[64:ff9b:1::a00:1]",
  "[2002:7f00:2::]",
  "[2001:0:7f00:2::]",
  "[2001:db8::1]",
  "[3fff::1]",
  "[fe80::1]",
  "[fec0::1]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
  "[100::1]",
  "[5f00::1]",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.254",
  "192.168.1.1",
  "100.64.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.169.254",
  "169.254.170.2",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "[::ffff:a9fe:a9fe]",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
];

test.each(literals)("no connection to the address %s, though its host is listed", async (host) => {
  const { port, connections } = await secret();
  const src = `http://${host}:${port}/a.png`;
  const { images, logged } = await open({ hosts: [new URL(src).hostname], http: true, ports: [port] });
  expect(await images.load({ src }, live)).toMatchObject({ reason: "image_refused" });
  expect([attempts, connections()]).toEqual([[], 0]);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain("not of the public internet");
  expect(logged[0], "a log holds no URL").not.toMatch(/http:|\d{3}|::/);
});

/** Names whose answers lead inside, all of them listed. */
const answers: Record<string, readonly string[]> = {
  localhost: ["127.0.0.2"],
  "sub.localhost": ["127.0.0.2"],
  "localhost.localdomain": ["127.0.0.2"],
  "127.0.0.2.wild.test": ["127.0.0.2"],
  "metadata.internal.test": ["169.254.169.254"],
  "public-first.test": ["93.184.216.34", "127.0.0.2"],
  "private-first.test": ["127.0.0.2", "93.184.216.34"],
  "six.test": ["::1"],
  "four-and-six.test": ["93.184.216.34", "::1"],
  "mapped.test": ["::ffff:127.0.0.2"],
  "nat64.test": ["64:ff9b::7f00:2"],
  "sixtofour.test": ["2002:7f00:2::"],
  "unique-local.test": ["fd00:ec2::254"],
  "scoped.test": ["fe80::1%lo"],
  "any.test": ["0.0.0.0"],
  "garbled.test": ["127.0.0.2 "],
  "nothing.test": [],
  "xn--bcher-kva.test": ["127.0.0.2"],
};

test.each([...Object.keys(answers), "LOCALHOST", "localhost.", "ｌｏｃａｌｈｏｓｔ", "bücher.test"])(
  "no connection for the name %s",
  async (host) => {
    const { port, connections } = await secret();
    const resolve = names({ ...answers, "localhost.": ["127.0.0.2"] });
    const { images } = await open({ hosts: Object.keys(answers), http: true, ports: [port] }, resolve);
    const outcome = await images.load({ src: `http://${host}:${port}/a.png` }, live);
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/^image_(refused|unreachable)$/) });
    expect(resolve.asked).toHaveLength(1);
    expect([attempts, connections()]).toEqual([[], 0]);
  },
);

describe("a server that is allowed", () => {
  /** `good.test` may be asked, and lies on 127.0.0.1, which is an allowed network here; the secret lies next to it. */
  async function setUp(location = "", status = 302) {
    const hidden = await secret();
    const front = await listen("127.0.0.1", (request, response) => {
      if (request.url === "/a.png")
        response.writeHead(status, { location: location.replace("PORT", `${hidden.port}`) });
      response.end("not an image");
    });
    const book = {
      ...answers,
      "good.test": ["127.0.0.1"],
      "sub.good.test": ["127.0.0.1"],
      "other.test": ["127.0.0.2"],
    };
    const opened = await open(
      {
        hosts: ["good.test", "*.good.test", "localhost", "127.0.0.2", "[::1]"],
        http: true,
        ports: [front.port, hidden.port],
        networks: ["127.0.0.1/32"],
      },
      names(book),
    );
    return { front, hidden, ...opened };
  }

  test("is asked", async () => {
    const { front, images } = await setUp("", 200);
    const outcome = await images.load({ src: `http://good.test:${front.port}/a.png` }, live);
    expect(outcome).toMatchObject({ reason: "image_unreadable" });
    expect([front.paths, attempts]).toEqual([["/a.png"], ["127.0.0.1"]]);
  });

  test.each([
    "http://127.0.0.2:PORT/",
    "http://2130706434:PORT/",
    "http://0x7f.2:PORT/",
    "http://[::1]:PORT/",
    "http://localhost:PORT/",
    "//localhost:PORT/",
    "\\\\localhost:PORT\\",
    "http:\\\\localhost:PORT",
    "http://other.test:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://good.test@127.0.0.2:PORT/",
    "http://name:word@good.test:PORT/",
    "http://good.test:1/",
    "http://good.test.other.test:PORT/",
    "https://127.0.0.2:PORT/",
    "file:///etc/passwd",
    "ftp://good.test/",
    "gopher://127.0.0.2:PORT/_GET",
    "data:image/png;base64,AAAA",
    "http://",
  ])("cannot send us to %s", async (location) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const { front, hidden, images } = await setUp(location, status);
      attempts = [];
      const outcome = await images.load({ src: `http://good.test:${front.port}/a.png` }, live);
      expect(outcome).toMatchObject({ reason: "image_refused" });
      expect([front.paths, attempts, hidden.connections()]).toEqual([["/a.png"], ["127.0.0.1"], 0]);
    }
  });

  test.each([
    ["http://good.test@127.0.0.2:PORT/", "a name or a password"],
    ["http://name@good.test:PORT/", "a name or a password"],
    ["http://:word@good.test:PORT/", "a name or a password"],
    ["http://other.test:PORT/", "not in images.hosts"],
    ["http://other.test:PORT\\@good.test/", "not in images.hosts"],
    ["http://other.test:PORT#@good.test/", "not in images.hosts"],
    ["http://other.test:PORT?@good.test/", "not in images.hosts"],
    ["http://evilgood.test:PORT/", "not in images.hosts"],
    ["http://good.test.other.test:PORT/", "not in images.hosts"],
    ["http://.good.test.:PORT/", "cannot be read|cannot be reached|not in"],
    ["ht\ntp://other.test:PORT/", "images.folders"],
    [" http://other.test:PORT/", "images.folders"],
    ["//other.test:PORT/", "images.folders"],
    ["http:other.test:PORT/", "not in images.hosts"],
    ["http://good.test:22/", "not in images.ports"],
    ["http://good.test:443/", "not in images.ports"],
    ["http://good.test:99999/", "cannot be read"],
    ["http://good.test:0/", "not in images.ports"],
    ["ftp://good.test/", "scheme"],
    ["file:///etc/passwd", "scheme"],
    ["gopher://good.test:PORT/", "scheme"],
    ["dict://good.test:PORT/", "scheme"],
    ["ws://good.test:PORT/", "scheme"],
    ["blob:http://good.test/1", "scheme"],
    ["javascript:fetch('http://good.test')", "scheme"],
    ["view-source:http://good.test:PORT/", "scheme"],
  ])("is not what %j means", async (src, why) => {
    const { hidden, front, images, logged } = await setUp();
    const outcome = await images.load({ src: src.replace("PORT", `${hidden.port}`) }, live);
    expect(outcome).toMatchObject({ kind: "pass", reason: expect.stringMatching(/^image_(refused|unreachable)$/) });
    expect(logged[0]).toMatch(new RegExp(why));
    expect([attempts, front.connections(), hidden.connections()]).toEqual([[], 0, 0]);
  });

  test("is followed three times and no more", async () => {
    const front = await listen("127.0.0.1", (request, response) =>
      response.writeHead(302, { location: `${request.url}a` }).end(),
    );
    const options = { hosts: ["good.test"], http: true, ports: [front.port], networks: ["127.0.0.1/32"] };
    const { images, logged } = await open(options, names({ "good.test": ["127.0.0.1"] }));
    const outcome = await images.load({ src: `http://good.test:${front.port}/a` }, live);
    expect(outcome).toMatchObject({ reason: "image_refused" });
    expect(front.paths).toEqual(["/a", "/aa", "/aaa", "/aaaa"]);
    expect(logged[0]).toContain("redirected more than 3 times");
  });

  test("may not change its address between the look and the connection", async () => {
    const front = await listen("127.0.0.1", (_, response) => response.setHeader("connection", "close").end("no image"));
    const hidden = await listen("127.0.0.2", (_, response) => response.end(), front.port);
    let lookups = 0;
    const rebinding = async () => [{ address: lookups++ === 0 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
    const options = { hosts: ["good.test"], http: true, ports: [front.port], networks: ["127.0.0.1/32"] };
    const { images } = await open(options, rebinding);
    const src = `http://good.test:${front.port}/a.png`;
    expect(await images.load({ src }, live)).toMatchObject({ reason: "image_unreadable" });
    expect([lookups, attempts]).toEqual([1, ["127.0.0.1"]]);
    expect(await images.load({ src }, live)).toMatchObject({ reason: "image_refused" });
    expect([lookups, attempts, hidden.connections()]).toEqual([2, ["127.0.0.1"], 0]);
  });

  test("is asked without the environment's proxies", async () => {
    const proxy = await listen("127.0.0.2", (_, response) => response.end());
    for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
      vi.stubEnv(name, `http://127.0.0.2:${proxy.port}`);
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    const { front, images } = await setUp("", 200);
    await images.load({ src: `http://good.test:${front.port}/a.png` }, live);
    vi.unstubAllEnvs();
    expect([front.connections(), proxy.connections()]).toEqual([1, 0]);
  });
});

test("no connection at all by default", async () => {
  const { port, connections } = await secret();
  const { images, logged } = await open({});
  expect(await images.load({ src: `http://127.0.0.2:${port}/a.png` }, live)).toMatchObject({ reason: "image_refused" });
  expect([attempts, connections()]).toEqual([[], 0]);
  expect(logged).toEqual([
    'an image is left out: no host may be asked: images.hosts is empty {"reason":"image_refused"}',
  ]);
});

test("plain http is off by default", async () => {
  const { port, connections } = await secret();
  const { images, logged } = await open({ hosts: ["127.0.0.2"], ports: [port], networks: ["127.0.0.0/8"] });
  await images.load({ src: `http://127.0.0.2:${port}/a.png` }, live);
  expect([attempts, connections()]).toEqual([[], 0]);
  expect(logged[0]).toContain("plain http is off");
});

test("a network that the operator names may be asked: the listeners do count", async () => {
  const { port, connections } = await secret();
  const { images } = await open({ hosts: ["127.0.0.2"], http: true, ports: [port], networks: ["127.0.0.2/32"] });
  await images.load({ src: `http://127.0.0.2:${port}/a.png` }, live);
  expect([attempts, connections()]).toEqual([["127.0.0.2"], 1]);
});
