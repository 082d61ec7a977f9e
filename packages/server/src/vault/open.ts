/** The vault of a notary, put together over its data folder or its database. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isAttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { NotaryIssuer } from "../access/notary-issuer.ts";
import type { DataFolder } from "../data-folder.ts";
import type { Notary } from "../notary.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { type KeysConfig, readVaultConfig } from "./config.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { Keyring } from "./keys/local-keyring.ts";
import type { ObjectStore } from "./object-store.ts";
import { createVault, type Vault } from "./vault.ts";

export interface VaultPlace {
  readonly folder: DataFolder;
  /** PostgreSQL for catalogue and objects; else the data folder. */
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

/** @throws as the parts: USAGE, USAGE_FILE, USAGE_PASSPHRASE, UNAVAILABLE_*, FATAL_CORRUPT, FATAL_VERSION */
export async function openVault({ notary, issuer, clock, logger, ...place }: VaultPartners): Promise<Vault> {
  const { recordClasses, keys } = readVaultConfig(place.folder.vaultConfig);
  const { catalogue, objects } = await openStorage(place);
  try {
    const wrapper = await openKeys(keys, place);
    return await createVault({
      catalogue,
      objects,
      keys: wrapper,
      notary,
      issuer,
      recordClasses,
      logger,
      ...(clock && { clock }),
    });
  } catch (error) {
    await Promise.all([catalogue.close(), objects.close()]);
    throw error;
  }
}

export interface VaultStorage {
  readonly catalogue: Catalogue;
  readonly objects: ObjectStore;
}

/** @throws NOT_FOUND when read-only and there is none; otherwise as the drivers */
export async function openStorage({ folder, database }: VaultPlace, readOnly = false): Promise<VaultStorage> {
  if (database !== undefined) {
    const postgres = await import("../postgres/main.ts");
    const shared = await postgres.openDatabase(database);
    try {
      const catalogue = await postgres.openPostgresCatalogue(shared, readOnly);
      return { catalogue, objects: await postgres.openPostgresObjectStore(shared, readOnly) };
    } finally {
      await shared.close(); // each part holds a share of its own
    }
  }
  const { openSqliteCatalogue } = await import("./catalogue/sqlite-catalogue.ts");
  const { openFsStore } = await import("./fs-store.ts");
  const catalogue = await openSqliteCatalogue({ folder: folder.folder, readOnly });
  return { catalogue, objects: await openFsStore({ folder: join(folder.folder, "objects") }) };
}

async function openKeys(keys: KeysConfig, { folder, passphrase }: VaultPlace): Promise<KeyWrapper> {
  if (keys.kind === "keyring") return openLocalKeyring(folder, passphrase);
  const { openPkcs11 } = await import("./keys/pkcs11.ts");
  const { pinFile, kind, ...options } = keys;
  return openPkcs11({ ...options, pin: readFileSync(resolve(folder.folder, pinFile), "utf8").trim() });
}

/** The keyring of a data folder, made when it is not there. @throws as `openKeyring` */
export async function openLocalKeyring(folder: DataFolder, passphrase: string | undefined): Promise<Keyring> {
  const { createKeyring, openKeyring } = await import("./keys/local-keyring.ts");
  const { openOrCreatePassphrase } = await import("./keys/passphrase-file.ts");
  const secret = passphrase ?? (await openOrCreatePassphrase(folder.vaultPassphrase));
  try {
    return await openKeyring(folder.vaultKeyring, secret);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
    return createKeyring(folder.vaultKeyring, secret);
  }
}
