import type { Certificates } from "./certificates.ts";

/** Users that the broker knows; the name is also the password's beginning, so that a leak is easy to see. */
export const users = { alice: "alice-secret", mallory: "mallory-secret" } as const;

const scramMechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

export interface SecurePorts {
  readonly plain: number;
  readonly controller: number;
  readonly ssl: number;
  readonly saslSsl: number;
  readonly saslPlaintext: number;
}

const login = "org.apache.kafka.common.security";

/**
 * Beside the plain listener, which may do everything: TLS, SASL over TLS, and SASL without it.
 * A user has no rights until a rule gives them.
 */
export function secureSettings(ports: SecurePorts, { ca, keystore }: Certificates): Record<string, string> {
  const known = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  const modules = {
    ...Object.fromEntries(scramMechanisms.map((name) => [name, `${login}.scram.ScramLoginModule required;`])),
    PLAIN: `${login}.plain.PlainLoginModule required ${known.join(" ")};`,
  };
  const logins = ["sasl_ssl", "sasl_plaintext"].flatMap((listener) =>
    Object.entries(modules).map(([mechanism, module]) => [
      `listener.name.${listener}.${mechanism.toLowerCase()}.sasl.jaas.config`,
      module,
    ]),
  );
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": keystore,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": ca,
    "sasl.enabled.mechanisms": Object.keys(modules).join(","),
    ...Object.fromEntries(logins),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    listeners: [
      `PLAINTEXT://127.0.0.1:${ports.plain}`,
      `CONTROLLER://127.0.0.1:${ports.controller}`,
      `SSL://127.0.0.1:${ports.ssl}`,
      `SASL_SSL://127.0.0.1:${ports.saslSsl}`,
      `SASL_PLAINTEXT://127.0.0.1:${ports.saslPlaintext}`,
    ].join(","),
  };
}

/** Users as a broker's folder is formatted with. */
export const scramUsers = (): string[] =>
  scramMechanisms.flatMap((mechanism) =>
    Object.entries(users).map(([name, password]) => `${mechanism}=[name=${name},password=${password}]`),
  );
