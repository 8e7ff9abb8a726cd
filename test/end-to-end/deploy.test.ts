import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { configSchema, parseConfigText, validate } from "../../src/config/index.ts";
import { driftSchema } from "../../src/drift/index.ts";
import { features } from "../../src/drift/population.ts";
import { planConfig } from "../../src/plan.ts";
import { json, startServer } from "../../src/serve/index.ts";
import { root } from "./starling.ts";

const execute = promisify(execFile);

const read = (file: string) => readFileSync(join(root, file), "utf8");

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of each stage of a Dockerfile, from its FROM on. */
function stagesOf(text: string): Instruction[][] {
  const stages: Instruction[][] = [];
  for (const line of text.replaceAll(/\\\n\s*/g, "").split("\n")) {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === undefined || name === "ARG") continue;
    if (name === "FROM") stages.push([]);
    stages.at(-1)!.push({ name, rest: rest! });
  }
  return stages;
}
const all = (stage: readonly Instruction[], name: string) =>
  stage.filter((one) => one.name === name).map(({ rest }) => rest);
const copies = (stage: readonly Instruction[]) =>
  all(stage, "COPY").map((rest) => {
    const words = rest.split(/\s+/);
    return {
      from: words.find((word) => word.startsWith("--from=")),
      sources: words.filter((word) => !word.startsWith("--")).slice(0, -1),
    };
  });

const image = stagesOf(read("deploy/Dockerfile"));
const [build, last] = [image[0]!, image.at(-1)!];
/** As it is where no variable is set. */
const text = parseConfigText(read("config/kafka.yaml"), "config/kafka.yaml", {});
const checked = validate(configSchema, text.value, text, []);
const config = "value" in checked ? checked.value : expect.unreachable(JSON.stringify(checked.problems));
const driftText = parseConfigText(read("config/drift.yaml"), "config/drift.yaml", {});
const drift = driftSchema.parse((driftText.value as { drift: unknown }).drift);

describe("the image", () => {
  test("is made in two stages on the same base, and the last has no build tools of its own", () => {
    expect(image).toHaveLength(2);
    expect(all(build, "FROM")[0]).toMatch(/^node:\$\{NODE\} AS build$/);
    expect(all(last, "FROM")[0]).toMatch(/^node:\$\{NODE\}$/);
    expect(all(last, "RUN")).toEqual([]);
    const major = /^ARG NODE=(\d+)-.*slim$/m.exec(read("deploy/Dockerfile"))?.[1];
    expect(`>=${major}`).toBe((JSON.parse(read("package.json")) as { engines: { node: string } }).engines.node);
  });

  test("copies what is there, and .dockerignore lets it through", () => {
    const ignored = read(".dockerignore").split("\n");
    const wanted = image
      .flatMap(copies)
      .filter(({ from }) => from === undefined)
      .flatMap(({ sources }) => sources);
    expect(wanted).toContain("models");
    for (const source of wanted) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(ignored).toContain(`!${source}`);
    }
    // And nothing else.
    expect(
      ignored
        .filter((line) => line.startsWith("!"))
        .map((line) => line.slice(1))
        .sort(),
    ).toEqual([...new Set(wanted)].sort());
    expect(ignored.find((line) => line !== "" && !line.startsWith("#"))).toBe("*");
  });

  test("holds what the npm package holds, but what nobody reads in a container", () => {
    // Pages for people, and what starts containers from outside of them.
    const left = ["docs", "deploy", "README.md", "CHANGELOG.md"];
    const { files } = JSON.parse(read("package.json")) as { files: string[] };
    const packed = files.map((file) => file.replace(/\/\*.*$/, "")).filter((file) => !left.includes(file));
    const held = copies(last)
      .flatMap(({ sources }) => sources)
      .map((source) => source.replace("/build/", ""));
    expect(held.toSorted()).toEqual([...packed, "data", "node_modules", "package.json"].toSorted());
  });

  test("takes from the first stage only what that one makes", () => {
    const taken = copies(last)
      .filter(({ from }) => from === "--from=build")
      .flatMap(({ sources }) => sources);
    expect(taken).toEqual(["/build/node_modules", "/build/dist", "/build/data"]);
    expect(all(build, "WORKDIR")).toEqual(["/build"]);
    expect(all(build, "RUN").join("\n")).toMatch(/npm ci [\s\S]*run --silent build[\s\S]*npm prune --omit=dev/);
  });

  test("runs as a user that is not root, by its number", () => {
    expect(all(last, "USER")).toEqual(["1000:1000"]);
    expect(last.findIndex(({ name }) => name === "USER")).toBeLessThan(
      last.findIndex(({ name }) => name === "ENTRYPOINT"),
    );
  });

  test("runs a file and a config that it holds, without a shell between, so that signals arrive", () => {
    expect(JSON.parse(all(last, "ENTRYPOINT")[0]!)).toEqual(["node", "/app/bin/starling.js"]);
    const [command, file] = JSON.parse(all(last, "CMD")[0]!) as string[];
    expect(command).toBe("run");
    expect(existsSync(join(root, file!.replace("/app/", "")))).toBe(true);
  });

  test("asks /live at the port of its config, and at another one where HTTP_PORT says so", async () => {
    const [node, ...args] = JSON.parse(all(last, "HEALTHCHECK")[0]!.replace(/^.* CMD /, "")) as string[];
    expect([node, args[0]]).toEqual(["node", "-e"]);
    expect(args[1]).toContain(`(process.env.HTTP_PORT || ${config.http?.port})`);
    await using server = await liveServer();
    const check = (port: number) =>
      execute(process.execPath, args, { env: { HTTP_PORT: String(port) } }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
    expect([await check(server.port), await check(server.sick)]).toEqual([0, 1]);
    expect(all(last, "EXPOSE")).toEqual([String(config.http?.port)]);
  });
});

/** Answers `/live` at `port`; at `sick` it says that all is lost. */
async function liveServer() {
  const well = await startServer({ port: 0, host: "127.0.0.1" }, { "/live": () => json(200, {}) });
  const ill = await startServer({ port: 0, host: "127.0.0.1" }, { "/live": () => json(503, {}) });
  return {
    ...{ port: Number(new URL(well.url).port), sick: Number(new URL(ill.url).port) },
    [Symbol.asyncDispose]: async () => void (await Promise.all([well.close(), ill.close()])),
  };
}

interface Scrapes {
  readonly scrape_configs: readonly {
    readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[];
  }[];
}

interface Provider {
  readonly options: { readonly path: string };
}

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly user?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly command?: readonly string[];
}
const { services, volumes } = parse(read("deploy/compose.yaml"), { merge: true }) as {
  services: Record<string, Service>;
  volumes: object;
};

describe("compose.yaml", () => {
  test("gives no service more rights than it needs, and the outside no port but on this machine", () => {
    for (const [name, service] of Object.entries(services)) {
      expect([name, service.cap_drop, service.security_opt]).toEqual([name, ["ALL"], ["no-new-privileges:true"]]);
      expect([name, service.privileged, service.cap_add]).toEqual([name, undefined, undefined]);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
      for (const volume of service.volumes ?? []) expect(volume).not.toMatch(/docker\.sock|^\//);
    }
  });

  test("runs the worker without root on a root that is read-only", () => {
    expect(services.starling).toMatchObject({ user: "1000:1000", read_only: true, tmpfs: ["/tmp"] });
    expect(services.starling?.volumes).toBeUndefined();
  });

  test("builds the image from this repository", () => {
    const { context, dockerfile } = services.starling!.build!;
    expect(existsSync(join(root, "deploy", context, dockerfile))).toBe(true);
  });

  test("waits for the worker longer than the worker waits for its posts", () => {
    expect(Number(/^(\d+)s$/.exec(services.starling!.stop_grace_period!)?.[1]) * 1000).toBeGreaterThan(
      config.drainMs + 5000,
    );
  });

  test("keeps the store of starling drift in a volume that its user may write to", () => {
    const { environment, volumes: mounts, user } = services.drift!;
    const [volume, folder, mode] = mounts![0]!.split(":");
    expect([mounts!.length, mode, Object.keys(volumes)]).toEqual([1, undefined, expect.arrayContaining([volume])]);
    expect(dirname(environment!.DRIFT_STORE!)).toBe(folder);
    expect(all(last, "COPY")).toContain(`--from=build --chown=${user} /build/data ${folder}/`);
  });

  test("makes the topics that the configs name, before the worker starts", () => {
    const { topics } = services;
    expect(services.starling?.depends_on).toEqual({ topics: { condition: "service_completed_successfully" } });
    const made = /for topic in (.*); do/.exec(topics!.command!.join("\n"))?.[1]?.split(" ");
    const { source, sink, deadLetters } = config;
    expect(made?.toSorted()).toEqual(
      [
        ...(source!.options.topics as string[]),
        sink!.options.topic,
        deadLetters!.options.topic,
        ...drift.feedback!.topics!,
      ].toSorted(),
    );
    expect(drift.events.topics).toEqual([sink!.options.topic]);
  });

  test("mounts what is there, only to be read", () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter((one) => one.startsWith(".")));
    expect(mounts).toHaveLength(3);
    for (const mount of mounts) {
      const [from, , mode] = mount.split(":");
      expect([existsSync(join(root, "deploy", from!)), mode]).toEqual([true, "ro"]);
    }
  });

  test("lets Prometheus scrape worker and drift where they listen, by names that are services", () => {
    const { scrape_configs: jobs } = parse(read("deploy/prometheus/prometheus.yml")) as Scrapes;
    const places = jobs.flatMap((job) => job.dns_sd_configs.map(({ names, port }) => [...names, port]));
    const driftPort = (driftText.value as { http: { port: string } }).http.port;
    expect(places).toEqual([
      ["starling", config.http!.port],
      ["drift", Number(driftPort)],
    ]);
    for (const [name, port] of places) {
      const service = services[name as string]!;
      expect(service.environment?.HTTP_HOST).toBe("0.0.0.0");
      expect(service.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    }
    expect(services.drift).toMatchObject({ user: "1000:1000", read_only: true, image: services.starling!.image });
  });

  test("provisions Grafana with Prometheus and with the dashboards where they are mounted", () => {
    const folder = "deploy/grafana/provisioning";
    const { datasources } = parse(read(`${folder}/datasources/prometheus.yml`)) as { datasources: { url: string }[] };
    expect(new URL(datasources[0]!.url).hostname in services).toBe(true);
    const { providers } = parse(read(`${folder}/dashboards/starling.yml`)) as { providers: Provider[] };
    const mount = services.grafana!.volumes!.find((one) => one.startsWith("./grafana/dashboards:"))!.split(":")[1]!;
    expect(providers.map(({ options }) => options.path)).toEqual([mount]);
    const home = services.grafana!.environment!.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH!;
    expect(existsSync(join(root, home.replace(mount, "deploy/grafana/dashboards")))).toBe(true);
  });

  test("sets nothing that the config does not read", () => {
    const text = read("config/kafka.yaml");
    for (const name of Object.keys(services.starling!.environment!)) expect(text).toContain(`\${${name}:-`);
    expect(Object.values(services.starling!.environment!)[0]).toBe("broker:9092");
  });
});

describe("config/drift.yaml", () => {
  /** The facts without which a feature is no likeness of the training posts, which had pictures. */
  const needs = { images: "captions", caption_characters: "captions", knowledge_characters: "knowledge" } as const;

  test("ignores what the stages of config/kafka.yaml never give, and nothing else", async () => {
    const plan = await planConfig(text);
    const given = new Set<string>(plan.stages.flatMap(({ plugin }) => plugin.gives));
    expect([...given]).toContain("tagging");
    const never = features.filter((feature) => feature in needs && !given.has(needs[feature as keyof typeof needs]));
    expect(drift.population.ignore.toSorted()).toEqual(never.toSorted());
  });

  test("keeps its store below where the command runs, never beside the package", () => {
    const at = (env: object) => {
      const { value } = parseConfigText(read("config/drift.yaml"), "config/drift.yaml", { ...env });
      return (value as { drift: { store: string } }).drift.store;
    };
    expect([at({ PWD: "/work" }), at({ PWD: "/work", DRIFT_STORE: "/data/d" })]).toEqual([
      "/work/out/drift.sqlite",
      "/data/d",
    ]);
  });
});

describe("the README's quickstart for Kafka", () => {
  const section = /^## With Kafka\n(.*?)^## /ms.exec(read("README.md"))?.[1] ?? "";
  const commands = /^```\n(.*?)^```/ms.exec(section)?.[1]?.trimEnd().split("\n") ?? [];

  test("is three commands on services and files that are there", () => {
    expect(commands).toHaveLength(3);
    for (const command of commands) {
      expect(command).toMatch(/^docker compose -f deploy\/compose\.yaml (up|exec) /);
      const service = /exec (?:-T )?(\S+)/.exec(command)?.[1];
      if (service !== undefined) expect(services).toHaveProperty(service);
      const input = / < (\S+)$/.exec(command)?.[1];
      if (input !== undefined) expect(existsSync(join(root, input))).toBe(true);
    }
  });

  test("sends to the topic that is read, and reads from the one that is written, as many as there are posts", () => {
    expect(commands[1]).toContain(`--topic ${(config.source!.options.topics as string[])[0]} `);
    expect(commands[2]).toContain(`--topic ${config.sink!.options.topic} `);
    const posts = read("examples/posts.ndjson").trimEnd().split("\n").length;
    expect(commands[2]).toContain(`--max-messages ${posts}`);
  });
});
