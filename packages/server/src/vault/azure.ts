/**
 * How a notary reaches the drivers for Azure: `vault.json` says which, and the package `@attestry/azure`, which need not be there, is
 * loaded only then. Secrets stand in files of their own, whose paths are from the data folder.
 */
import { resolve } from "node:path";
import { AttestryError } from "@attestry/core";
import { type TSchema, Type } from "typebox";
import { readPrivateFile } from "../keys/private-file.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { ObjectStore } from "./object-store.ts";

export type AzureObjectsConfig =
  | { readonly kind: "azure-blob"; readonly endpoint: string; readonly container: string; readonly keyFile?: string }
  | { readonly kind: "azure-blob"; readonly connectionStringFile: string; readonly container: string }
  | {
      readonly kind: "cosmos";
      readonly endpoint: string;
      readonly database: string;
      readonly container: string;
      readonly keyFile?: string;
    };

export interface KeyVaultConfig {
  readonly kind: "key-vault";
  readonly vault: string;
  readonly key: string;
}

/** What `@attestry/azure` exports, as far as a notary uses it. */
export interface AzureDrivers {
  openBlobStore(options: {
    endpoint?: string;
    key?: string | undefined;
    connectionString?: string;
    container: string;
  }): Promise<ObjectStore>;
  openCosmosStore(options: {
    endpoint: string;
    key?: string | undefined;
    database: string;
    container: string;
  }): Promise<ObjectStore>;
  openKeyVault(options: { vault: string; key: string }): Promise<KeyWrapper>;
}

const text = Type.String({ minLength: 1, maxLength: 1000 });
const address = Type.String({ pattern: "^https?://[^/?#@]+(/[^?#]*)?$", maxLength: 1000 });
const strict = { additionalProperties: false } as const;
const blob = { kind: Type.Literal("azure-blob"), container: text };

export const azureObjectsSchema: TSchema = Type.Union([
  Type.Object({ ...blob, endpoint: address, keyFile: Type.Optional(text) }, strict),
  Type.Object({ ...blob, connectionStringFile: text }, strict),
  Type.Object(
    { kind: Type.Literal("cosmos"), endpoint: address, database: text, container: text, keyFile: Type.Optional(text) },
    strict,
  ),
]);

export const keyVaultSchema: TSchema = Type.Object(
  { kind: Type.Literal("key-vault"), vault: address, key: text },
  strict,
);

/** @throws USAGE when the drivers are not installed, USAGE_FILE, UNAVAILABLE_STORAGE */
export async function openAzureObjects(config: AzureObjectsConfig, folder: string): Promise<ObjectStore> {
  const azure = await loadDrivers();
  const secret = async (path: string) => (await readPrivateFile(resolve(folder, path))).trim();
  if ("connectionStringFile" in config) {
    const connectionString = await secret(config.connectionStringFile);
    return azure.openBlobStore({ connectionString, container: config.container });
  }
  const { kind, keyFile, ...options } = config;
  const key = keyFile === undefined ? undefined : await secret(keyFile);
  return "database" in options ? azure.openCosmosStore({ ...options, key }) : azure.openBlobStore({ ...options, key });
}

/** @throws USAGE when the drivers are not installed, UNAVAILABLE_KEYS */
export async function openAzureKeys({ vault, key }: KeyVaultConfig): Promise<KeyWrapper> {
  return (await loadDrivers()).openKeyVault({ vault, key });
}

async function loadDrivers(): Promise<AzureDrivers> {
  const name: string = "@attestry/azure"; // not for the type checker, which need not find it
  try {
    return (await import(name)) as AzureDrivers;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new AttestryError("USAGE", `vault.json asks for Azure, and ${name} is not installed: npm install ${name}`, {
      cause,
    });
  }
}
