/** `openssl ts` for the tests: an authority and a client of other hands. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePemCertificates } from "../x509/pem.ts";

/** Why the tests that need openssl cannot run; `false` if they can. */
export const noOpenssl: string | false = /^OpenSSL 3/.test(spawnSync("openssl", ["version"]).stdout?.toString() ?? "")
  ? false
  : "no OpenSSL 3 here: nothing to compare with";

const certificateConfig = `
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[authority]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
`;

const defaults = {
  serial: "serial",
  signer_digest: "sha256",
  default_policy: "1.2.3.4",
  other_policies: "1.2.3.5",
  digests: "sha1, sha256, sha384, sha512",
  accuracy: "secs:1",
  ess_cert_id_alg: "sha256",
};

/** A folder to run openssl in, with functions that take and give bytes. */
export interface OpensslFolder {
  readonly folder: string;
  /** Runs openssl; throws with its words when it fails. */
  run(...args: string[]): string;
  write(name: string, content: Uint8Array | string): void;
  read(name: string): Uint8Array;
  remove(): void;
}

export function opensslFolder(): OpensslFolder {
  const folder = mkdtempSync(join(tmpdir(), "attestry-ts-"));
  return {
    folder,
    run(...args: string[]): string {
      const { status, stdout, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
      if (status !== 0) throw new Error(`openssl ${args.slice(0, 2).join(" ")}: ${stderr}`);
      return stdout;
    },
    write: (name, content) => writeFileSync(join(folder, name), content),
    read: (name) => new Uint8Array(readFileSync(join(folder, name))),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export interface OpensslAuthority {
  readonly root: Uint8Array;
  /** Answers a request; the settings are those of `openssl ts`'s configuration. */
  reply(request: Uint8Array, settings?: Readonly<Record<string, string>>): Uint8Array;
}

const keyArguments = {
  RSA: ["-newkey", "rsa:2048"],
  "P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "P-384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
} as const;

/** An authority that is `openssl ts -reply`, with a root of its own. */
export function opensslAuthority(openssl: OpensslFolder, kind: keyof typeof keyArguments): OpensslAuthority {
  const name = kind.toLowerCase();
  const key = [...keyArguments[kind], "-nodes", "-config", "certificates.cnf"];
  const subject = (text: string): string[] => ["-subj", `/C=US/O=Example/CN=${text} ${kind}`];
  openssl.write("certificates.cnf", certificateConfig);
  const rootFiles = ["-keyout", `${name}-root.key`, "-out", `${name}-root.pem`];
  openssl.run("req", "-x509", ...key, ...subject("Root"), "-days", "30", "-extensions", "root", ...rootFiles);
  openssl.run("req", ...key, ...subject("Time"), "-keyout", `${name}.key`, "-out", `${name}.csr`);
  const issuer = ["-CA", `${name}-root.pem`, "-CAkey", `${name}-root.key`, "-set_serial", "7", "-days", "20"];
  const extensions = ["-extfile", "certificates.cnf", "-extensions", "authority"];
  openssl.run("x509", "-req", "-in", `${name}.csr`, ...issuer, ...extensions, "-out", `${name}.pem`);
  const [root = new Uint8Array()] = parsePemCertificates(Buffer.from(openssl.read(`${name}-root.pem`)).toString());
  return {
    root,
    reply(request: Uint8Array, settings: Readonly<Record<string, string>> = {}): Uint8Array {
      const lines = Object.entries({ ...defaults, ...settings }).map(([setting, value]) => `${setting} = ${value}`);
      openssl.write("ts.cnf", ["[tsa]", "default_tsa = this", "[this]", ...lines, ""].join("\n"));
      openssl.write("query.tsq", request);
      const signer = ["-signer", `${name}.pem`, "-inkey", `${name}.key`, "-chain", `${name}-root.pem`];
      openssl.run("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query.tsq", ...signer, "-out", "reply.tsr");
      return openssl.read("reply.tsr");
    },
  };
}
