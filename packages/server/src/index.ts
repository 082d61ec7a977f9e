/** `@attestry/server`: the notary and the witness, to run or to build into something else. */

export type { AnchoringPlace, OpenPlace, Schedule } from "./anchoring/anchoring.ts";
export {
  type AuthorityPlaceOptions,
  authorityPlace,
  defaultSchedule,
  type LedgerPlaceOptions,
  type LocalPlaceOptions,
  ledgerPlace,
  localPlace,
} from "./anchoring/places.ts";
export { type AuditDataOptions, auditData, type DataAuditSummary } from "./audit-data.ts";
export { createDataFolder, type DataFolder, dataFolder } from "./data-folder.ts";
export { type AppOptions, createApp } from "./http/app.ts";
export { passphraseWanted } from "./http/listen.ts";
export type { RateLimit } from "./http/rate-limit.ts";
export {
  createFileSigner,
  createKeyFile,
  importKeyFile,
  type KeyFile,
  listKeyFiles,
  openOrCreateSigner,
  type Passphrase,
} from "./keys/file-signer.ts";
export { publicKeyOf } from "./keys/pkcs8.ts";
export type { AuditSummary, Finding } from "./log/audit.ts";
export { createNotary, type Notary, type NotaryOptions, type NotaryStatus, type WitnessOption } from "./notary.ts";
export type { Outcome, Registered } from "./registration.ts";
export { defaultRateLimits, type RunningServer, type ServerOptions, startServer } from "./server.ts";
export type { VaultAuditSummary, VaultFinding } from "./vault/audit.ts";
export { version } from "./version.ts";
export { type RunningWitness, startWitness, type WitnessServerOptions } from "./witness/server.ts";
