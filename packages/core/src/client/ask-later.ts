/** Asks a notary what has come about an entry since its proof was made. Verified first: what a proof file merely says is not asked about. */
import { equalBytes } from "../bytes.ts";
import { thumbprintUri } from "../cose/key.ts";
import { type AttestryError, isAttestryError } from "../errors.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import { entryHashes } from "../statement/twin.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import type { Check, Report } from "../verify/report.ts";
import { collectEntries } from "./find.ts";
import type { NotaryClient } from "./notary-client.ts";
import type { NotaryStatus } from "./resources.ts";

/** What was verified: the proof, what came of it by itself, and the trust that this rests on. */
export interface Verified {
  readonly proof: ProofFile;
  readonly report: Report;
  readonly trust: Trust;
}

export type News =
  /** The entry's proof as it is now, and later statements. `gap`: why there may be more of these. */
  | { readonly kind: "told"; readonly proof: Uint8Array; readonly later: Uint8Array[]; readonly gap?: AttestryError }
  /** The notary has no such entry. `proven`: its index, where it is proven that the log had it. */
  | { readonly kind: "absent"; readonly proven?: number }
  | { readonly kind: "another_log" | "other_keys" }
  | { readonly kind: "failed"; readonly error: AttestryError };

/** Never throws for what the notary answers. */
export async function askLater(notary: NotaryClient, status: NotaryStatus, verified: Verified): Promise<News> {
  const { proof, report, trust } = verified;
  const indexes = placesOf(proof, report, status.origin);
  if (indexes.length === 0) return { kind: "another_log" };
  if (!showsTrustedKeys(status, trust)) return { kind: "other_keys" };
  try {
    const current = await findProof(notary, proof, indexes);
    if (current === undefined)
      return { kind: "absent", ...(isInLog(report) && report.entry && { proven: report.entry.index }) };
    const { later } = parseProofFile(current);
    const { statements, gap } = await askRevokers(notary, proof, trust.revokers);
    return { kind: "told", proof: current, later: [...later, ...statements], ...(gap && { gap }) };
  } catch (error) {
    if (isAttestryError(error)) return { kind: "failed", error };
    throw error;
  }
}

/** Whether the proof holds and shows that the log has the entry, under keys that are trusted. */
export function isInLog({ verdict, checks }: Report): boolean {
  const needed: readonly Check["name"][] = ["inclusion", "receipt", "checkpoint", "log"];
  const passed = (name: Check["name"]): boolean =>
    checks.some((check) => check.name === name && check.status === "pass");
  return verdict !== "invalid" && needed.every(passed);
}

/** Whether what a notary shows are the keys trusted for its log, of one generation; true of a log of which nothing is known. */
export function showsTrustedKeys(
  { origin, verifierKeys, receiptKey }: Pick<NotaryStatus, "origin" | "verifierKeys" | "receiptKey">,
  { logs }: Trust,
): boolean {
  const known = logs.filter((log) => log.origin === origin);
  const isIt = (log: TrustedLog): boolean =>
    log.receiptKeys.some((thumbprint) => thumbprintUri(thumbprint) === receiptKey) &&
    log.verifierKeys.every(({ text }) => verifierKeys.includes(text));
  return known.length === 0 || known.some(isIt);
}

/** Where the entry is proven to be; while it is not, wherever the proof says that it is. In one log, or in any. */
export function placesOf({ receipts }: ProofFile, report: Report, origin?: string): readonly number[] {
  const said = receipts.map(({ claims, index }) => ({ origin: claims.iss, index }));
  const places = isInLog(report) && report.entry !== undefined ? [report.entry] : said;
  const ofLog = places.filter((place) => origin === undefined || place.origin === origin);
  return [...new Set(ofLog.map(({ index }) => index))];
}

/** The proof of the same entry as the notary gives it now; undefined when it has that at none of these places. @throws UNAVAILABLE_*, MALFORMED_* */
export async function findProof(
  notary: NotaryClient,
  { statement }: ProofFile,
  indexes: readonly number[],
): Promise<Uint8Array | undefined> {
  for (const index of indexes) {
    try {
      const bytes = await notary.proofFile(index);
      if (equalBytes(parseProofFile(bytes).statement.entry, statement.entry)) return bytes;
    } catch (error) {
      if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
    }
  }
  return undefined;
}

/** Of each revoker, as of anybody, the newest. */
const maxLater = 16;

/** Anybody's statements may fill the room that a proof file has for later ones, so those of who may revoke are asked for by name. */
async function askRevokers(
  notary: NotaryClient,
  { statement }: ProofFile,
  revokers: readonly string[],
): Promise<{ readonly statements: readonly Uint8Array[]; readonly gap?: AttestryError }> {
  const hashes = entryHashes(statement);
  const statements: Uint8Array[] = [];
  try {
    for (const issuer of revokers) {
      const lists = await Promise.all(
        hashes.map((relatesTo) => collectEntries(notary, { relatesTo, issuer }, maxLater)),
      );
      for (const { index } of lists.flatMap(({ entries }) => entries)) {
        const bytes = await notary.proofFile(index);
        parseProofFile(bytes); // what is no proof is no answer
        statements.push(bytes);
      }
    }
    return { statements };
  } catch (gap) {
    if (isAttestryError(gap)) return { statements, gap };
    throw gap;
  }
}
