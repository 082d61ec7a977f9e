/** `@attestry/core/client`: talks to a notary. The one part of core that does I/O. */
export {
  type AccessClient,
  type AccessToken,
  type AdministrativeAction,
  type AuditFinding,
  type AuditReport,
  type AuditState,
  createAccessClient,
  type NewAccessToken,
  type PortalSession,
} from "./access-client.ts";
export type { Registration } from "./answer.ts";
export {
  askLater,
  findProof,
  isInLog,
  type News,
  placesOf,
  showsTrustedKeys,
  type Verified,
} from "./ask-later.ts";
export { collectEntries } from "./find.ts";
export {
  certificateName,
  type Form,
  isOfForm,
  issuerId,
  recordClassName,
  tokenId,
  tokenName,
} from "./forms.ts";
export type { HttpOptions } from "./http.ts";
export { type Judgement, type LookUp, lookUp, maxLookedUp } from "./look-up.ts";
export { createNotaryClient, type EntryQuery, type NotaryClient, type NotaryClientOptions } from "./notary-client.ts";
export type {
  AnchorSummary,
  EnrolledIssuer,
  EntryPage,
  EntrySummary,
  HistorySpan,
  NotaryStatus,
  PlaceSummary,
  StatusHistory,
  WitnessSummary,
} from "./resources.ts";
export {
  type Custody,
  type CustodyEntry,
  createVaultClient,
  type NewUpload,
  type ObjectQuery,
  type RecordClass,
  type UploadState,
  type VaultClient,
  type VaultKeys,
  type VaultObject,
} from "./vault-client.ts";
