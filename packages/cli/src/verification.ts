/**
 * Gathers what `verify()` judges: the proof beside the file or at the notary, later statements, and the trust, from a trust
 * file or from pinned keys. An unreachable notary takes nothing away from a proof at hand; it only leaves questions open.
 */
import {
  type AttestryError,
  type Check,
  emptyTrust,
  isAttestryError,
  type ProofFile,
  parseProofFile,
  type Report,
  type Trust,
  type TrustedLog,
  type Verdict,
  verify,
} from "@attestry/core";
import { askLater, isInLog, type NotaryClient, type NotaryStatus, type Verified } from "@attestry/core/client";
import { askLedgers } from "./ask-ledger.ts";
import { asAttestryError } from "./errors.ts";
import { changedKeysWarning, keysBeside, type LogKeys, type Pins, trustedLog } from "./pins.ts";
import type { ExitCode } from "./program.ts";

/** A notary as it was found: reached, or why not. */
export type Reached = { readonly url: string } & (
  | { readonly notary: NotaryClient; readonly status: NotaryStatus }
  | { readonly error: AttestryError }
);

export interface VerifyMeans {
  /** What a trust file says; without it logs are trusted by their pins. */
  readonly trust?: Trust;
  readonly pins: Pins;
  /** Undefined when no notary is to be asked. */
  readonly reach?: () => Promise<Reached>;
  /** Ledgers' nodes that are asked about the blocks of anchors. */
  readonly ledgerNodes?: readonly string[];
}

/** A check of the report, or of whether there was a proof to judge. */
export type FileCheck = Omit<Check, "name"> & { readonly name: Check["name"] | "proof" };

export interface FileReport extends Omit<Report, "checks"> {
  readonly checks: readonly FileCheck[];
  /** Where the proof came from: its path or the notary. */
  readonly proof?: string;
  /** What a person must know whatever the verdict. */
  readonly warnings: readonly string[];
}

export const exitOf: Readonly<Record<Verdict, ExitCode>> = {
  verified: 0,
  altered: 1,
  not_found: 1,
  superseded: 1,
  revoked: 1,
  untrusted: 1,
  invalid: 1,
  incomplete: 3,
};

/** The verdict on content of that hash, by a proof at hand. */
export async function verifyWithProof(
  bytes: Uint8Array,
  source: string,
  digest: Uint8Array | undefined,
  means: VerifyMeans,
): Promise<FileReport> {
  const proof = tryParse(bytes);
  const reached = proof && (await means.reach?.());
  const found = proof ? trustFor(proof, means, reached) : { trust: emptyTrust, newKeys: [], warnings: [] };
  const { newKeys } = found;
  const { ledgerNodes } = means;
  const nodes = proof && ledgerNodes ? await askLedgers(ledgerNodes, proof) : { ledgers: [], warnings: [] };
  const trust = { ...found.trust, ledgers: [...found.trust.ledgers, ...nodes.ledgers] };
  const warnings = [...found.warnings, ...nodes.warnings];
  const given = { ...(digest && { digest }), trust };
  const alone = await verify({ proof: bytes, ...given });
  const fresh = proof === undefined ? { later: [] } : await askAgain({ proof, report: alone, trust }, reached, means);
  const news = { later: fresh.later, ...(fresh.server !== undefined && { askedForLater: fresh.server }) };
  let report = fresh.bytes === undefined ? alone : await verify({ proof: bytes, ...given, ...news });
  if (report.verdict === "incomplete" && fresh.bytes !== undefined) {
    // what was missing may have been added since: cosignatures, for one
    const again = await verify({ proof: fresh.bytes, ...given, ...news });
    if (again.verdict === "verified" || again.verdict === "revoked" || again.verdict === "superseded") report = again;
  }
  if (isInLog(report)) warnings.push(...pinNew(newKeys, report, means.pins));
  warnings.push(...contradiction(fresh, reached));
  const checks = report.checks.map((check) => (check.name === "later" ? explainLater(check, fresh.why) : check));
  return { ...report, checks, proof: source, warnings };
}

function tryParse(bytes: Uint8Array): ProofFile | undefined {
  try {
    return parseProofFile(bytes);
  } catch (error) {
    if (isAttestryError(error)) return undefined; // `verify` says what is wrong with it
    throw error;
  }
}

interface TrustFound {
  readonly trust: Trust;
  /** Keys that were trusted at first contact, to be pinned if the proof holds under them. */
  readonly newKeys: { keys: LogKeys; source: string }[];
  readonly warnings: string[];
}

function trustFor(proof: ProofFile, means: VerifyMeans, reached: Reached | undefined): TrustFound {
  if (means.trust !== undefined) return { trust: means.trust, newKeys: [], warnings: [] };
  const found: TrustFound & { logs: TrustedLog[] } = { trust: emptyTrust, newKeys: [], warnings: [], logs: [] };
  // Beside a log that is known already, a forger's receipt must not bring in a log of their own.
  const isKnown = proof.receipts.some(({ claims }) => means.pins.find(claims.iss ?? "") !== undefined);
  for (const receipt of proof.receipts) {
    const beside = keysBeside(receipt);
    const origin = receipt.claims.iss ?? "";
    const pin = means.pins.find(origin);
    if (pin !== undefined) {
      found.logs.push(trustedLog(pin, `the log's keys as noted at first contact on ${pin.firstSeen.slice(0, 10)}`));
      if (beside !== undefined && means.pins.matches(beside) === false)
        found.warnings.push(changedKeysWarning(pin, means.pins.path));
      continue;
    }
    if (isKnown) continue;
    const shown = reached && "status" in reached && reached.status.origin === origin ? reached : undefined;
    const keys = shown?.status ?? beside;
    const source = shown ? `the notary at ${shown.url}` : "the proof file itself";
    if (keys === undefined) continue;
    try {
      found.logs.push(trustedLog(keys, `first contact: the log's keys came from ${source} and are noted from now on`));
      found.newKeys.push({ keys, source });
    } catch (error) {
      if (!isAttestryError(error)) throw error; // keys that cannot be read are trusted in nothing
    }
  }
  return { ...found, trust: { ...emptyTrust, logs: found.logs } };
}

/** Pins keys that the proof held under. Gives warnings when they could not be kept. */
function pinNew(newKeys: TrustFound["newKeys"], report: Report, pins: Pins): string[] {
  return newKeys.flatMap(({ keys, source }) => {
    if (keys.origin !== report.entry?.origin) return [];
    try {
      pins.add(keys, source);
      return [];
    } catch (error) {
      return [`The log's keys could not be noted for the next time. ${asAttestryError(error).message}`];
    }
  });
}

/** What to say when the proof shows an entry that the notary's log no longer has. */
function contradiction({ lost }: Fresh, reached: Reached | undefined): string[] {
  if (lost === undefined || reached === undefined) return [];
  const fact = `entry ${lost} of this log is proven, and the notary at ${reached.url} does not have it any more`;
  return [
    `WARNING: ${fact}: the log was rewritten, or an old copy of it was put back. Keep the proof: it is the evidence.`,
  ];
}

interface Fresh {
  /** The entry's proof as the notary gives it now. */
  readonly bytes?: Uint8Array;
  readonly later: readonly Uint8Array[];
  /** Who was asked for all later statements. */
  readonly server?: string;
  /** Why not all could be asked for. */
  readonly why?: string;
  /** Index of the entry, when it is proven and the notary has none there, or another. */
  readonly lost?: number;
}

/** Asks the log that a proof comes from what has been added about the entry since. */
async function askAgain(verified: Verified, reached: Reached | undefined, means: VerifyMeans): Promise<Fresh> {
  const { proof } = verified;
  if (proof.receipts.length === 0 || reached === undefined) return { later: [] };
  const who = `the notary at ${reached.url}`;
  if ("error" in reached) return { later: [], why: reached.error.message };
  const { notary, status } = reached;
  if (means.trust === undefined && means.pins.matches(status) === false)
    return { later: [], why: `${who} shows other keys than those noted for this log.` };
  const news = await askLater(notary, status, verified);
  switch (news.kind) {
    case "told": {
      const { proof: bytes, later, gap } = news;
      if (gap !== undefined) return { bytes, later, why: gap.message };
      return { bytes, later, server: `${who}, at tree size ${status.treeSize}` };
    }
    case "absent":
      return {
        later: [],
        why: `${who} does not have this entry.`,
        ...(news.proven !== undefined && { lost: news.proven }),
      };
    case "another_log":
      return { later: [], why: `${who} keeps another log (${status.origin}).` };
    case "other_keys":
      return { later: [], why: `${who} shows other keys than those that are trusted for this log.` };
    default:
      return { later: [], why: news.error.message };
  }
}

function explainLater(check: Check, why: string | undefined): Check {
  if (check.status !== "unknown" || why === undefined) return check;
  return { ...check, detail: `${check.detail} ${why.charAt(0).toUpperCase()}${why.slice(1)}` };
}
