/** The notary's own time stamp authority: its key and certificates are made when the first stamp is asked for, and kept. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { encodeBase64, isAttestryError, parsePemCertificates, type Signer } from "@attestry/core";
import type { Logger } from "pino";
import { openOrCreateSigner, type Passphrase } from "../keys/file-signer.ts";
import { readPrivateFile, writePrivateFile } from "../keys/private-file.ts";
import { createTimeStampAuthority, type TimeStampAuthority } from "./authority.ts";
import { createAuthorityCertificates } from "./certificates.ts";

export interface OpenAuthorityOptions extends Passphrase {
  /** Folder of the keys. */
  readonly folder: string;
  readonly origin: string;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
  readonly logger: Logger;
}

export interface OpenedAuthority extends TimeStampAuthority {
  /** The certificates, PEM, the authority's first and its root last: what a client trusts. */
  certificates(): Promise<string>;
}

/** No standard names the policy of an authority without one: this is an arc of a random UUID (ITU-T X.667). */
const policy = "2.25.326702533194580896728861958831334694703";
const years = 20;

export function openTimeStampAuthority(options: OpenAuthorityOptions): OpenedAuthority {
  let opening: Promise<{ authority: TimeStampAuthority; pem: string }> | undefined;
  const opened = (): NonNullable<typeof opening> => {
    opening ??= open(options);
    opening.catch(() => {
      opening = undefined; // the next request tries again
    });
    return opening;
  };
  return {
    respond: async (request) => (await opened()).authority.respond(request),
    certificates: async () => (await opened()).pem,
  };
}

async function open(options: OpenAuthorityOptions): Promise<{ authority: TimeStampAuthority; pem: string }> {
  const { folder, now, logger, passphrase } = options;
  const signer = await openOrCreateSigner(join(folder, "tsa.pem"), { algorithm: "ES256", passphrase });
  const path = join(folder, "tsa-certificates.pem");
  const pem = (await readIfThere(path)) ?? (await makeCertificates(signer, path, options));
  const authority = createTimeStampAuthority({ signer, chain: parsePemCertificates(pem), policy, now, logger });
  return { authority, pem };
}

async function makeCertificates(authority: Signer, path: string, options: OpenAuthorityOptions): Promise<string> {
  const { folder, origin, now, passphrase } = options;
  const root = await openOrCreateSigner(join(folder, "tsa-root.pem"), { algorithm: "ES256", passphrase });
  const notBefore = now() - 60;
  const notAfter = notBefore + years * 365 * 86_400;
  // The name is bounded by X.509; the random part keeps two logs' roots apart all the same.
  const name = `${origin.slice(0, 39)} ${randomBytes(4).toString("hex")}`;
  const made = await createAuthorityCertificates({ root, authority: authority.publicKey, name, notBefore, notAfter });
  const pem = [made.leaf, made.root].map(toPem).join("");
  await writePrivateFile(path, pem);
  return pem;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readPrivateFile(path);
  } catch (error) {
    if (isAttestryError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function toPem(der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
