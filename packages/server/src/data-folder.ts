/** The data folder: where each thing is, and the administrator's token. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AttestryError, encodeBase64Url, isAttestryError } from "@attestry/core";
import { readPrivateFile, writePrivateFile } from "./keys/private-file.ts";
import { databasePath } from "./log/sqlite-connection.ts";
import { makeFolder } from "./make-folder.ts";
import { systemReason } from "./system-reason.ts";

export interface DataFolder {
  readonly folder: string;
  readonly keys: string;
  /** The local user's own signing key. */
  readonly issuerKey: string;
  /** The notary's own signing key, for what it records of itself. */
  readonly custodyKey: string;
  readonly issuers: string;
  /** Credentials, sessions, administrative actions. */
  readonly access: string;
  /** How people sign in at the portal; written by the operator. */
  readonly portal: string;
  readonly adminToken: string;
  readonly witness: string;
  /** How long registrations took, for plots. */
  readonly latency: string;
  /** What the last audit found that was run from the notary. */
  readonly lastAudit: string;
  /** How long records are kept and who keeps the vault's keys; written by the operator. */
  readonly vaultConfig: string;
  readonly vaultKeyring: string;
  /** Opens the keyring, where nobody gives a passphrase. */
  readonly vaultPassphrase: string;
}

/** The places in a data folder; touches nothing. */
export function dataFolder(folder: string): DataFolder {
  return {
    folder,
    keys: join(folder, "keys"),
    issuerKey: join(folder, "keys", "issuer.pem"),
    custodyKey: join(folder, "keys", "custody.pem"),
    issuers: join(folder, "issuers.db"),
    access: join(folder, "access.db"),
    portal: join(folder, "portal.json"),
    adminToken: join(folder, "admin.token"),
    witness: join(folder, "witness.db"),
    latency: join(folder, "latency.json"),
    lastAudit: join(folder, "audit.json"),
    vaultConfig: join(folder, "vault.json"),
    vaultKeyring: join(folder, "keys", "vault.keyring"),
    vaultPassphrase: join(folder, "keys", "vault.passphrase"),
  };
}

/** Makes the folder for its owner alone, when it is not there. @throws USAGE_FILE */
export function createDataFolder(folder: string): DataFolder {
  try {
    makeFolder(folder, 0o700);
  } catch (cause) {
    const message = `The data folder ${folder} cannot be made: ${systemReason(cause)}. Name another: --data DIR.`;
    throw new AttestryError("USAGE_FILE", message, { cause });
  }
  return dataFolder(folder);
}

/** A witness beside the log that it watches would be lost with it. @throws USAGE */
export function checkNoNotary({ folder, keys }: DataFolder): void {
  if (!hasNotary({ folder, keys })) return;
  throw new AttestryError("USAGE", `${folder} is a notary's. Give the witness a data folder of its own: --data DIR.`);
}

/** @throws USAGE when the folder is a witness's, and no notary was begun in it */
export function checkNoWitness({ folder, keys, witness }: DataFolder): void {
  if (!existsSync(witness) || hasNotary({ folder, keys })) return;
  throw new AttestryError("USAGE", `${folder} is a witness's. Give the notary a data folder of its own: --data DIR.`);
}

/** By its log, or by the log's key where the log is in a database. */
function hasNotary({ folder, keys }: Pick<DataFolder, "folder" | "keys">): boolean {
  return existsSync(databasePath(folder)) || existsSync(join(keys, "log-es256.pem"));
}

/**
 * The administrator's token, made at the first start: 32 random bytes as base64url in a file of mode 0600.
 * @throws USAGE_FILE, UNAVAILABLE_STORAGE
 */
export async function openAdminToken(path: string): Promise<string> {
  try {
    return (await readPrivateFile(path)).trim();
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
  }
  const token = encodeBase64Url(randomBytes(32));
  await writePrivateFile(path, `${token}\n`);
  return token;
}
