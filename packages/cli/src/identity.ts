/** Who signs on this machine: the key, the name that statements are issued under, and certificates where there are some. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  AttestryError,
  encodeBase64Url,
  encodeCoseKey,
  equalBytes,
  isAttestryError,
  keyThumbprint,
  parsePemCertificates,
  type Signer,
  thumbprintUri,
} from "@attestry/core";
import type { NotaryClient } from "@attestry/core/client";
import type { Command } from "commander";
import type { Output } from "./output.ts";
import { askPassphrase } from "./prompt.ts";
import { checkText, isLoopback, optionValue, passphraseFrom, readText, wrongValue } from "./settings.ts";

export interface Identity {
  readonly signer: Signer;
  /** CWT `iss` of its statements. */
  readonly issuer: string;
  /** DER, its own certificate first. */
  readonly chain?: readonly Uint8Array[];
}

export interface IdentityOptions {
  readonly key?: string;
  readonly issuer?: string;
  readonly chain?: string;
  readonly passphraseFile?: string;
}

export function addIdentityOptions(command: Command): Command {
  return command
    .option("--key <file>", "sign with this private key (default: keys/issuer.pem in the data folder)")
    .option("--passphrase-file <file>", "file that holds the key's passphrase (or set ATTESTRY_PASSPHRASE)")
    .option("--issuer <name>", "issue under this name (default: the one the key is enrolled under)")
    .option("--chain <file>", "PEM certificates of the key, its own first");
}

/** The functions that make and open key files; loaded only where a key is needed. */
export function loadKeys(): Promise<typeof import("@attestry/server/keys")> {
  return import("@attestry/server/keys");
}

export function issuerKeyPath(dataFolder: string): string {
  return join(dataFolder, "keys", "issuer.pem");
}

/**
 * Opens the signing key. The data folder's own key is made when there is none yet.
 * @throws USAGE_FILE, USAGE_PASSPHRASE, MALFORMED_KEY, MALFORMED_CERTIFICATE, VERIFY_KEY_MISMATCH, NOT_FOUND
 */
export async function openIdentity(
  options: IdentityOptions,
  place: { readonly data: string; readonly server: string; readonly notary: NotaryClient },
  output: Output,
): Promise<Identity> {
  checkText("--issuer", options.issuer);
  const path = options.key ?? issuerKeyPath(place.data);
  let passphrase = passphraseFrom(options.passphraseFile);
  if (options.key === undefined && !existsSync(path)) await makeKey(path, passphrase, place.server, output);
  const { createFileSigner } = await loadKeys();
  const open = (): Promise<Signer> => {
    const opened = createFileSigner(path, { passphrase });
    return options.key === undefined ? opened : opened.catch(wrongValue(`--key ${path}`));
  };
  const signer = await open().catch(async (error: unknown) => {
    if (!isAttestryError(error) || error.code !== "USAGE_PASSPHRASE" || passphrase !== undefined) throw error;
    passphrase = await askPassphrase(`Passphrase for ${path}: `);
    return open();
  });
  if (options.chain !== undefined) return certified(signer, options.chain, options.issuer);
  return { signer, issuer: options.issuer ?? (await enrolledName(signer, place.notary)) };
}

/** How an administrator lets this key in. */
export function enrolmentHint(identity: Identity): string {
  const then = "then run the same command again. To enrol it";
  if (identity.chain !== undefined)
    return `An administrator must enrol its root; ${then}: attestry issuer add --root ROOT.pem`;
  const key = encodeBase64Url(encodeCoseKey(identity.signer.publicKey));
  return `An administrator of the notary must enrol it; ${then}: attestry issuer add --key ${key} --name ${identity.issuer}`;
}

async function makeKey(path: string, passphrase: string | undefined, server: string, output: Output): Promise<void> {
  if (passphrase === undefined && !isLoopback(server)) {
    throw new AttestryError(
      "USAGE_PASSPHRASE",
      `There is no signing key at ${path}. Make one first: attestry key new`,
      {
        data: { path },
      },
    );
  }
  const { createKeyFile } = await loadKeys();
  try {
    await createKeyFile(path, { passphrase });
    output.note(`Made a signing key: ${path}${passphrase === undefined ? " (not encrypted; mode 0600)" : ""}`);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS") throw error; // somebody was quicker: that key will do
  }
}

/** A notary may know the key under a name; else it is named by itself (RFC 9679). */
async function enrolledName(signer: Signer, notary: NotaryClient): Promise<string> {
  const own = thumbprintUri(keyThumbprint(signer.publicKey));
  const issuers = await notary.listIssuers().catch(() => []);
  return issuers.find(({ kind, thumbprint }) => kind === "key" && own.endsWith(thumbprint))?.issuer ?? own;
}

async function certified(signer: Signer, path: string, issuer: string | undefined): Promise<Identity> {
  const chain = optionValue(`--chain ${path}`, () => parsePemCertificates(readText(path)));
  const [leaf] = chain;
  if (leaf === undefined) throw new AttestryError("MALFORMED_CERTIFICATE", `${path} holds no PEM certificate.`);
  const { parseCertificate, preferredIssuerName } = await import("@attestry/core/x509");
  const certificate = optionValue(`--chain ${path}`, () => parseCertificate(leaf));
  const { publicKey } = certificate;
  if (publicKey === undefined || !equalBytes(publicKey.bytes, signer.publicKey.bytes)) {
    throw new AttestryError("VERIFY_KEY_MISMATCH", `The first certificate of ${path} is not that of the signing key.`);
  }
  const name = issuer ?? preferredIssuerName(certificate);
  if (name === undefined)
    throw new AttestryError("USAGE", "The certificate names nobody. Say who issues: --issuer NAME");
  return { signer, issuer: name, chain };
}
