/** Opens the database that an address names, by the driver for its kind, which is loaded only then. */
import { AttestryError } from "@attestry/core";
import type { IssuerStore } from "../issuers/store.ts";
import type { LogStore } from "../log/store.ts";
import { isDatabaseUrl as isPostgresUrl } from "../postgres/settings.ts";
import { isSqlServerUrl } from "../sqlserver/settings.ts";
import type { Catalogue } from "../vault/catalogue/catalogue.ts";
import type { ObjectStore } from "../vault/object-store.ts";
import type { SharedLogOptions } from "./log-store.ts";

/** A database that several notaries may share. Each part holds it open for itself. */
export interface SharedStorage {
  /** @throws as `openSharedLog` */
  openLog(options: SharedLogOptions): Promise<LogStore>;
  openIssuers(): Promise<IssuerStore>;
  /** @throws NOT_FOUND when `readOnly` and there are none */
  openObjects(readOnly: boolean): Promise<ObjectStore>;
  /** @throws NOT_FOUND when `readOnly` and there is none */
  openCatalogue(readOnly: boolean): Promise<Catalogue>;
  close(): Promise<void>;
}

/** @throws USAGE when the address, the user or the server's settings do not do, USAGE_FILE, UNAVAILABLE_STORAGE */
export async function openSharedStorage(url: string): Promise<SharedStorage> {
  if (isPostgresUrl(url)) return openPostgres(url);
  if (isSqlServerUrl(url)) return openSqlServer(url);
  const known = "postgres://USER@HOST/DATABASE or sqlserver://USER@HOST/DATABASE";
  throw new AttestryError("USAGE", `A database's address is like ${known}.`);
}

async function openPostgres(url: string): Promise<SharedStorage> {
  const postgres = await import("../postgres/main.ts");
  const database = await postgres.openDatabase(url);
  return {
    openLog: (options) => postgres.openPostgresLogStore({ ...options, database }),
    openIssuers: () => postgres.openPostgresIssuerStore(database),
    openObjects: (readOnly) => postgres.openPostgresObjectStore(database, readOnly),
    openCatalogue: (readOnly) => postgres.openPostgresCatalogue(database, readOnly),
    close: () => database.close(),
  };
}

async function openSqlServer(url: string): Promise<SharedStorage> {
  const sqlServer = await import("../sqlserver/main.ts");
  const database = await sqlServer.openDatabase(url);
  return {
    openLog: (options) => sqlServer.openSqlServerLogStore({ ...options, database }),
    openIssuers: () => sqlServer.openSqlServerIssuerStore(database),
    openObjects: (readOnly) => sqlServer.openSqlServerObjectStore(database, readOnly),
    openCatalogue: (readOnly) => sqlServer.openSqlServerCatalogue(database, readOnly),
    close: () => database.close(),
  };
}
