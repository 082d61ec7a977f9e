/**
 * Opens what a notary keeps its log and its issuers in: files of its data folder, or a database that several notaries share,
 * each with a data folder of its own and the same keys in it.
 */
import { statSync } from "node:fs";
import { AttestryError, isAttestryError } from "@attestry/core";
import type { DataFolder } from "./data-folder.ts";
import { createHeadSigner, defaultOrigin, type HeadSigner, openLogKeys } from "./heads.ts";
import { openSqliteIssuerStore } from "./issuers/sqlite-store.ts";
import type { IssuerStore } from "./issuers/store.ts";
import { lockFolder } from "./log/sqlite-database.ts";
import { openSqliteStore } from "./log/sqlite-store.ts";
import type { LogStore } from "./log/store.ts";

export interface OpenLogOptions {
  readonly origin?: string;
  readonly passphrase?: string;
  /** Address of a database on PostgreSQL or SQL Server; files of the data folder when left out. */
  readonly database?: string;
}

export interface OpenedLog {
  readonly store: LogStore;
  readonly signer: HeadSigner;
  readonly issuers: IssuerStore;
  close(): Promise<void>;
}

/** Opens the log and its keys, and sees that they belong together. @throws as `createNotary` */
export async function openLog(folder: DataFolder, options: OpenLogOptions): Promise<OpenedLog> {
  const closing: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const storage = options.database === undefined ? embedded(folder) : await shared(folder, options.database, closing);
    const { store, signer } = await openStore(storage, folder, options, closing);
    const size = (await store.readHead())?.size ?? 0;
    if (size > 0) storage.checkIssuers?.();
    const issuers = await storage.openIssuers();
    closing.push(() => issuers.close());
    return { store, signer, issuers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Storage {
  openStore(origin?: string): Promise<LogStore>;
  openIssuers(): Promise<IssuerStore>;
  /** Where the issuers are not a part of the same database: @throws FATAL_CORRUPT when they are gone */
  readonly checkIssuers?: () => void;
  /** What to do when a log is there and its keys are not. */
  readonly missingKeys?: string;
}

function embedded({ folder, issuers }: DataFolder): Storage {
  return {
    openStore: async (origin) => openSqliteStore({ folder, ...(origin === undefined ? {} : { origin }) }),
    openIssuers: async () => openSqliteIssuerStore(issuers),
    checkIssuers: () => {
      if ((statSync(issuers, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
      const message = `The log has entries, and ${issuers} with who is enrolled and who was revoked is gone. Put it back from a backup.`;
      throw new AttestryError("FATAL_CORRUPT", message, { data: { path: issuers } });
    },
  };
}

/** The data folder is one process's all the same: its marks and its anchors have one writer. */
async function shared({ folder }: DataFolder, url: string, closing: (() => void | Promise<void>)[]): Promise<Storage> {
  const { openSharedStorage } = await import("./database/open.ts");
  closing.push(lockFolder(folder));
  const storage = await openSharedStorage(url);
  closing.push(() => storage.close());
  return {
    openStore: (origin) => storage.openLog({ folder, ...(origin === undefined ? {} : { origin }) }),
    openIssuers: () => storage.openIssuers(),
    missingKeys:
      "The database has a log whose keys are not in this data folder. Copy the folder keys/ of a notary that has them.",
  };
}

async function openStore(
  storage: Storage,
  folder: DataFolder,
  { origin, passphrase }: OpenLogOptions,
  closing: (() => void | Promise<void>)[],
): Promise<{ store: LogStore; signer: HeadSigner }> {
  let store = await openExisting(storage, origin);
  if (store !== undefined) closing.push(() => store?.close());
  const head = await store?.readHead();
  const keys = await openLogKeys(folder.keys, { passphrase, create: head === undefined }).catch((error) => {
    const isMissing = isAttestryError(error) && error.code === "NOT_FOUND" && storage.missingKeys !== undefined;
    throw isMissing ? new AttestryError("NOT_FOUND", storage.missingKeys, { cause: error }) : error;
  });
  if (store === undefined) {
    const created = await storage.openStore(defaultOrigin(keys));
    closing.push(() => created.close());
    store = created;
  }
  const signer = createHeadSigner(store.origin, keys);
  if (head !== undefined) await signer.checkCurrent(head);
  return { store, signer };
}

/** Undefined when there is no log yet and no origin was given: the keys come first then, since the default is made from one. */
async function openExisting(storage: Storage, origin: string | undefined): Promise<LogStore | undefined> {
  try {
    return await storage.openStore(origin);
  } catch (error) {
    if (isAttestryError(error) && error.data["needs"] === "origin") return undefined;
    throw error;
  }
}
