/** `@attestry/azure`: drivers for Azure's services. Microsoft's libraries are loaded when a driver is opened. */
export type { AccountOptions } from "./account.ts";
export { type BlobStoreOptions, openBlobStore } from "./blob-store.ts";
export { type CosmosStoreOptions, openCosmosStore } from "./cosmos-store.ts";
export { type KeyVaultOptions, openKeyVault } from "./key-vault.ts";
export { connectSqlServer } from "./sql-server.ts";
