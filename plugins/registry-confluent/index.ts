import { defineResource, Fault, isFault, type RegisteredSchema, schemaRegistry, z } from "starling-ner";
import { avroSchema } from "./avro.ts";
import { type Client, createClient, type Reference, type Written } from "./client.ts";

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const options = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Where the registry listens, such as https://registry.example:8081"),
    username: z.string().optional().describe("With `password`; over https only, except on this machine"),
    password: z.string().optional(),
    token: z.string().optional().describe("Sent as a bearer token instead of a name and a password"),
    timeoutMs: z.int().positive().default(5000).describe("Time limit of one request, milliseconds"),
    forgetMs: z
      .int()
      .nonnegative()
      .default(30_000)
      .describe("How long a schema that the registry does not have is not asked for again, milliseconds"),
  })
  .superRefine(({ url, username, password, token }, context) => {
    const refuse = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    const place = URL.parse(url);
    if (place === null) return;
    if (place.username !== "" || place.password !== "")
      refuse("url", "holds a name or a password, which messages would show; use username and password");
    if ((username === undefined) !== (password === undefined)) refuse("username", "wants both username and password");
    if (token !== undefined && username !== undefined) refuse("token", "excludes username and password");
    const credentials = username !== undefined || token !== undefined;
    if (credentials && place.protocol === "http:" && !loopback.test(place.hostname))
      refuse("url", "would send credentials unencrypted; use https");
  });

type Options = z.output<typeof options>;

export default defineResource({
  name: "registry-confluent",
  about: "Schemas of a Confluent Schema Registry, or one that speaks like it: Avro and JSON Schema.",
  fills: schemaRegistry,
  options,
  async open(settings, host) {
    const { url, timeoutMs, forgetMs } = settings;
    const client = createClient({ url, timeoutMs, authorization: authorizationOf(settings) });
    try {
      await client.probe();
    } catch (error) {
      // A registry that is down comes back; wrong credentials do not mend themselves.
      if (!isFault(error) || !error.retry) throw error;
      host.log("the registry gives no answer yet", { reason: error.message });
    }
    return cached(client, { url, forgetMs });
  },
});

function authorizationOf({ username, password, token }: Options): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** How many missing numbers are remembered: any producer can make them up. */
const MISSING = 1000;

/** Each schema is fetched and compiled once; whoever asks for it meanwhile waits for the same answer. */
function cached(client: Client, { url, forgetMs }: Pick<Options, "url" | "forgetMs">) {
  const schemas = new Map<number, RegisteredSchema>();
  const missing = new Map<number, { readonly error: Error; readonly until: number }>();
  const asking = new Map<number, Promise<RegisteredSchema>>();

  const keep = async (found: Written): Promise<RegisteredSchema> => {
    const schema = schemas.get(found.id) ?? (await compiled(client, url, found));
    schemas.set(schema.id, schema);
    return schema;
  };
  const remember = (id: number, error: Error) => {
    if (isFault(error) && error.retry) return;
    if (missing.size >= MISSING) missing.delete(missing.keys().next().value!);
    missing.set(id, { error, until: performance.now() + forgetMs });
  };
  const ask = async (id: number): Promise<RegisteredSchema> => {
    try {
      return await keep(await client.byId(id));
    } catch (error) {
      remember(id, error as Error);
      throw error;
    } finally {
      asking.delete(id);
    }
  };

  return {
    known: (id: number) => schemas.get(id),
    async schema(id: number, signal?: AbortSignal): Promise<RegisteredSchema> {
      const known = schemas.get(id);
      if (known !== undefined) return known;
      const gone = missing.get(id);
      if (gone !== undefined && performance.now() < gone.until) throw gone.error;
      missing.delete(id);
      const answer = asking.get(id) ?? ask(id);
      asking.set(id, answer);
      return untilAborted(answer, signal);
    },
    latest: async (subject: string, signal?: AbortSignal) => keep(await client.bySubject(subject, "latest", signal)),
  };
}

/** One who asks may leave; the others go on waiting. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise<T>((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

async function compiled(client: Client, url: string, found: Written): Promise<RegisteredSchema> {
  const { id, type, schema } = found;
  const unreadable = (reason: string, cause?: unknown) =>
    new Fault("SCHEMA_UNREADABLE", { registry: url, schema: String(id), reason }, { cause });
  if (type === "JSON") return { id, type: "json" };
  if (type !== "AVRO") throw unreadable(`it is of the type ${type}`);
  const referred = await references(client, found.references);
  try {
    return avroSchema(id, schema, referred);
  } catch (cause) {
    throw unreadable((cause as Error).message, cause);
  }
}

/** The schemas that a schema refers to, each after those that it refers to itself. */
async function references(client: Client, list: readonly Reference[], seen = new Set<string>()): Promise<string[]> {
  const found: string[] = [];
  for (const { subject, version } of list) {
    const key = `${subject} ${version}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const schema = await client.bySubject(subject, version);
    found.push(...(await references(client, schema.references, seen)), schema.schema);
  }
  return found;
}
