import { Fault, isFault } from "starling-ner";

export interface ClientOptions {
  /** Without credentials. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly timeoutMs: number;
}

/** What a registry says of one schema. */
export interface Written {
  readonly id: number;
  readonly schema: string;
  readonly type: string;
  readonly references: readonly Reference[];
}

export interface Reference {
  readonly subject: string;
  readonly version: number;
}

export interface Client {
  byId(id: number, signal?: AbortSignal): Promise<Written>;
  bySubject(subject: string, version: number | "latest", signal?: AbortSignal): Promise<Written>;
  /** Rejects with REGISTRY_REFUSED where the address or the credentials are wrong. */
  probe(): Promise<void>;
}

const accept = "application/vnd.schemaregistry.v1+json, application/json";

/** The few requests of the registry's protocol that reading and writing need. */
export function createClient({ url, authorization, timeoutMs }: ClientOptions): Client {
  const base = url.replace(/\/+$/, "");
  const unavailable = (reason: string, cause?: unknown) =>
    new Fault("REGISTRY_UNAVAILABLE", { registry: url, reason }, { cause });

  const get = async (path: string, signal?: AbortSignal) => {
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${base}${path}`, {
        headers: { accept, ...(authorization !== undefined && { authorization }) },
        redirect: "error", // credentials go to the registry alone
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      });
      return { status: response.status, body: await response.text() };
    } catch (cause) {
      if (limit.aborted) throw unavailable(`none within ${timeoutMs} ms`, cause);
      throw unavailable(reasonOf(cause), cause);
    }
  };

  const schemaAt = async (path: string, asked: string, signal?: AbortSignal): Promise<Written & { id: number }> => {
    const { status, body } = await get(path, signal);
    if (status === 404 && isNotFound(body)) throw new Fault("SCHEMA_UNKNOWN", { registry: url, schema: asked });
    // Refused credentials too: it is the registry that has to be mended, not the post.
    if (status !== 200) throw unavailable(`status ${status}`);
    return written(body, (why) => unavailable(why));
  };

  return {
    byId: async (id, signal) => ({ ...(await schemaAt(`/schemas/ids/${id}`, String(id), signal)), id }),
    bySubject: (subject, version, signal) =>
      schemaAt(
        `/subjects/${encodeURIComponent(subject)}/versions/${version}`,
        `of the subject "${subject}", version ${version}`,
        signal,
      ),
    async probe() {
      const { status } = await get("/subjects");
      if ([401, 403, 404].includes(status)) throw new Fault("REGISTRY_REFUSED", { registry: url, status });
      if (status !== 200) throw unavailable(`status ${status}`);
    },
  };
}

/** Registries say by an error code of their own that a schema, subject or version is missing: 40401, 40402, 40403. A proxy does not. */
function isNotFound(body: string): boolean {
  const code = (parsed(body) as { error_code?: unknown } | undefined)?.error_code;
  return typeof code === "number" && String(code).startsWith("404");
}

function written(body: string, refuse: (why: string) => Fault): Written {
  const answer = parsed(body);
  if (typeof answer !== "object" || answer === null) throw refuse("its answer is not JSON");
  const { id, schema, schemaType = "AVRO", references = [] } = answer as Record<string, unknown>;
  if (typeof schema !== "string" || typeof schemaType !== "string" || !Array.isArray(references))
    throw refuse("its answer holds no schema");
  return { id: typeof id === "number" ? id : 0, schema, type: schemaType, references: references as Reference[] };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (isFault(error) || !(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code;
  return code === undefined ? cause.message : code;
}
