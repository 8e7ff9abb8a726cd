import { z } from "starling-ner";

const place = z.string().regex(/^(\[[0-9A-Fa-f:]+\]|[^\s:,/]+):\d{1,5}$/, "is not host:port");

const brokers = z
  .union([z.array(place).min(1), z.string().regex(/^[^\s]+$/, "is not host:port,host:port")])
  .transform((given) => (typeof given === "string" ? given.split(",") : given))
  .pipe(z.array(place).min(1));

const tls = z
  .union([
    z.boolean(),
    z.strictObject({
      ca: z.string().optional().describe("File of the authorities to trust, PEM; by default the system's"),
      cert: z.string().optional().describe("File of the client's own certificate, PEM"),
      key: z.string().optional().describe("File of its key, PEM"),
      passphrase: z.string().optional(),
      servername: z.string().optional().describe("Name the brokers' certificates must have, where it is not the host"),
    }),
  ])
  .default(false)
  .describe("true, or files of certificates: { ca, cert, key, passphrase, servername }");

const login = { username: z.string().min(1), password: z.string().min(1) };

const sasl = z
  .discriminatedUnion("mechanism", [
    z.strictObject({ mechanism: z.literal("plain"), ...login }),
    z.strictObject({ mechanism: z.literal("scram-sha-256"), ...login }),
    z.strictObject({ mechanism: z.literal("scram-sha-512"), ...login }),
    z.strictObject({
      mechanism: z.literal("oauthbearer"),
      tokenFile: z.string().min(1).describe("Read again whenever the client logs in"),
    }),
  ])
  .optional()
  .describe("plain (over TLS only), scram-sha-256, scram-sha-512: username, password; oauthbearer: tokenFile");

export const options = z
  .strictObject({
    brokers: brokers.describe("host:port of one or more brokers: a list, or a text with commas between them"),
    clientId: z.string().min(1).default("starling").describe("How the brokers' logs and quotas know this client"),
    tls,
    sasl,
    connectMs: z.int().positive().default(3000).describe("Time limit of one connection, milliseconds"),
    requestMs: z.int().positive().default(30_000).describe("Time limit of one request, milliseconds"),
  })
  .refine(({ sasl, tls }) => sasl?.mechanism !== "plain" || tls !== false, {
    path: ["sasl", "mechanism"],
    error: "plain would send the password in clear text; set tls, or take scram-sha-512",
  });

export type Options = z.output<typeof options>;
