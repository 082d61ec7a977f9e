/** The vault of a notary, put together over its data folder or its database. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { NotaryIssuer } from "../access/notary-issuer.ts";
import type { DataFolder } from "../data-folder.ts";
import type { Notary } from "../notary.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { type KeysConfig, readVaultConfig, writeRecordClass } from "./config.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { Keyring } from "./keys/local-keyring.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Retention } from "./retention.ts";
import { createVault, type Vault } from "./vault.ts";

export interface VaultPlace {
  readonly folder: DataFolder;
  /** Address of a database for catalogue and objects; else the data folder. */
  readonly database?: string | undefined;
  /** Opens the keyring; without it one is made and kept beside it. */
  readonly passphrase?: string | undefined;
}

export interface VaultPartners extends VaultPlace {
  readonly notary: Pick<Notary, "register" | "entry">;
  readonly issuer: NotaryIssuer;
  readonly clock?: (() => number) | undefined;
  readonly logger: Logger;
}

/**
 * Opens it, and sweeps it a minute later and then daily.
 * @throws as the parts: USAGE, USAGE_FILE, USAGE_PASSPHRASE, UNAVAILABLE_*, FATAL_CORRUPT, FATAL_VERSION
 */
export async function openVault({ notary, issuer, clock, logger, ...place }: VaultPartners): Promise<Vault> {
  const { recordClasses, keys } = readVaultConfig(place.folder.vaultConfig);
  const { catalogue, objects } = await openStorage(place);
  try {
    const wrapper = await openKeys(keys, place, await catalogue.listWrappers());
    const parts = { catalogue, objects, keys: wrapper, notary, issuer, recordClasses, logger };
    const keepRecordClass = (name: string, retention: Retention): Promise<void> =>
      writeRecordClass(place.folder.vaultConfig, name, retention);
    const vault = await createVault({ ...parts, keepRecordClass, ...(clock && { clock }) });
    const stopSweeping = sweepDaily(vault, logger);
    return {
      ...vault,
      close(): Promise<void> {
        stopSweeping();
        return vault.close();
      },
    };
  } catch (error) {
    await Promise.all([catalogue.close(), objects.close()]);
    throw error;
  }
}

function sweepDaily(vault: Vault, logger: Logger): () => void {
  const sweep = (): void => {
    vault.sweep().then(
      (swept) => logger.debug(swept, "vault swept"),
      (error: unknown) => logger.warn({ err: error }, "the vault could not be swept"),
    );
  };
  const first = setTimeout(sweep, 60_000).unref();
  const daily = setInterval(sweep, 24 * 3_600_000).unref();
  return () => {
    clearTimeout(first);
    clearInterval(daily);
  };
}

export interface VaultStorage {
  readonly catalogue: Catalogue;
  readonly objects: ObjectStore;
}

/** @throws NOT_FOUND when read-only and there is none; otherwise as the drivers */
export async function openStorage({ folder, database }: VaultPlace, readOnly = false): Promise<VaultStorage> {
  const { objects } = readVaultConfig(folder.vaultConfig);
  const openElsewhere = objects && (async () => (await import("./azure.ts")).openAzureObjects(objects, folder.folder));
  if (database !== undefined) {
    const { openSharedStorage } = await import("../database/open.ts");
    const shared = await openSharedStorage(database);
    try {
      const openObjects = openElsewhere ?? (() => shared.openObjects(readOnly));
      return await openParts(await shared.openCatalogue(readOnly), openObjects);
    } finally {
      await shared.close(); // each part holds it open for itself
    }
  }
  const { openSqliteCatalogue } = await import("./catalogue/sqlite-catalogue.ts");
  const { openFsStore } = await import("./fs-store.ts");
  const openObjects = openElsewhere ?? (() => openFsStore({ folder: join(folder.folder, "objects") }));
  return openParts(await openSqliteCatalogue({ folder: folder.folder, readOnly, freeLocks: !readOnly }), openObjects);
}

async function openParts(catalogue: Catalogue, openObjects: () => Promise<ObjectStore>): Promise<VaultStorage> {
  try {
    return { catalogue, objects: await openObjects() };
  } catch (error) {
    await catalogue.close();
    throw error;
  }
}

async function openKeys(
  keys: KeysConfig,
  { folder, passphrase }: VaultPlace,
  needed: readonly string[],
): Promise<KeyWrapper> {
  if (keys.kind === "pkcs11") {
    const { openPkcs11 } = await import("./keys/pkcs11.ts");
    const { pinFile, kind, ...options } = keys;
    return openPkcs11({ ...options, pin: readFileSync(resolve(folder.folder, pinFile), "utf8").trim() });
  }
  if (existsSync(folder.vaultKeyring) || !needed.some((id) => id.startsWith("local:"))) {
    return openLocalKeyring(folder, passphrase);
  }
  const message = `The vault's keyring ${folder.vaultKeyring} is not there, and stored records need it. Put it back from your backup, with what opens it: without it they cannot be read.`;
  throw new AttestryError("USAGE_FILE", message, { data: { path: folder.vaultKeyring } });
}

/** The keys that `needed` names, for who only reads. @throws as the drivers */
export function openKeysToRead(place: VaultPlace, needed: readonly string[]): Promise<KeyWrapper> {
  return openKeys(readVaultConfig(place.folder.vaultConfig).keys, place, needed);
}

/**
 * The keyring of a data folder, made when it is not there. A passphrase that was made beside it opens it, whatever else is given.
 * @throws as `openKeyring`; USAGE_PASSPHRASE when none is given for a keyring that has one from elsewhere
 */
export async function openLocalKeyring(folder: DataFolder, passphrase: string | undefined): Promise<Keyring> {
  const { createKeyring, openKeyring } = await import("./keys/local-keyring.ts");
  const { openOrCreatePassphrase } = await import("./keys/passphrase-file.ts");
  const isThere = existsSync(folder.vaultKeyring);
  const isBeside = existsSync(folder.vaultPassphrase) || (passphrase === undefined && !isThere);
  const secret = isBeside ? await openOrCreatePassphrase(folder.vaultPassphrase) : passphrase;
  if (secret === undefined) {
    throw new AttestryError("USAGE_PASSPHRASE", "The vault's keyring needs its passphrase.");
  }
  return isThere ? openKeyring(folder.vaultKeyring, secret) : createKeyring(folder.vaultKeyring, secret);
}
