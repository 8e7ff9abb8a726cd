import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  /** The authority that clients have to trust. */
  readonly ca: string;
  /** Private key and certificate in one, as a broker reads them. */
  readonly keystore: string;
}

/** An authority of our own, and a certificate from it for 127.0.0.1 and localhost; valid for two days. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe", cwd: folder });
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-subj",
    "/CN=starling-tests",
    "-days",
    "2",
  );
  openssl("req", ...newKey, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  writeFileSync(at("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
  openssl("x509", "-req", "-in", "server.csr", ...signed, "-out", "server.pem");
  writeFileSync(at("keystore.pem"), `${readFileSync(at("server.key"))}${readFileSync(at("server.pem"))}`);
  return { ca: at("ca.pem"), keystore: at("keystore.pem") };
}
