/** Whether a kept anchor or time stamp holds together: its form and its mathematics, whoever may or may not vouch for it. */
import {
  AttestryError,
  checkEvmAnchor,
  encodeCheckpoint,
  encodeHex,
  encodeUtf8,
  equalBytes,
  parseEvmAnchor,
  sha256,
} from "@attestry/core";
import type { AnchorRecord } from "@attestry/ledger";

/** What time stamps are kept under begins with this. */
export const authorityPrefix = "tsa ";

/** What is checked of a record. */
export type KeptProof = Pick<AnchorRecord, "ledger" | "origin" | "size" | "rootHash" | "place" | "proof">;

/** @throws VERIFY_ANCHOR_*, VERIFY_TIME_STAMP, MALFORMED_ANCHOR, MALFORMED_TIME_STAMP, FATAL_CORRUPT when there is none */
export async function checkKeptProof(record: KeptProof): Promise<void> {
  const { ledger, proof } = record;
  if (proof === undefined) throw new AttestryError("FATAL_CORRUPT", "There is no proof.");
  if (ledger.startsWith(authorityPrefix)) await checkToken(record, proof);
  else await checkAnchor(record, proof);
}

/** Nothing in it vouches for the block's header, of which the record has the hash, nor for the chain, which the ledger is named by. */
async function checkAnchor({ ledger, origin, size, rootHash, place }: KeptProof, proof: Uint8Array): Promise<void> {
  const anchor = parseEvmAnchor(proof);
  const { kind, chainId, contract } = anchor;
  const itself = { kind, name: `chain ${chainId}`, chainId, contract, basis: "nothing" };
  const { blockHash, time } = await checkEvmAnchor(anchor, { origin, size, rootHash }, [itself]);
  if (place?.id !== encodeHex(blockHash) || place.time !== time)
    throw new AttestryError("VERIFY_ANCHOR_HEADER", "The block is not the one that the anchor was found in.");
  if (ledger.startsWith("chain ") && !ledger.startsWith(`chain ${chainId} `))
    throw new AttestryError("VERIFY_ANCHOR_LEDGER", `The anchor says chain ${chainId}, and is kept as of ${ledger}.`);
}

/** The uppermost certificates that came along stand for a root. */
async function checkToken({ origin, size, rootHash }: KeptProof, token: Uint8Array): Promise<void> {
  const { checkTimeStamp, parseCertificate, parseTimeStampToken } = await import("@attestry/core/timestamp");
  const text = encodeCheckpoint({ origin, size, rootHash, extensions: [] });
  const certificates = parseTimeStampToken(token).certificates.map(parseCertificate);
  const uppermost = certificates.filter(
    ({ raw }) => !certificates.some((other) => other.raw !== raw && equalBytes(other.raw.subject, raw.issuer)),
  );
  const imprint = { algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) } as const;
  await checkTimeStamp({ token, imprint, roots: uppermost.map(({ der }) => der) });
}

/** Proofs that are remembered as whole. */
const maxRemembered = 10_000;

/** As `checkKeptProof`, once for each proof that holds. */
export function createProofCheck(): (record: KeptProof) => Promise<void> {
  const whole = new Set<string>();
  return async (record) => {
    const { ledger, origin, size, rootHash, place, proof = new Uint8Array() } = record;
    const id = JSON.stringify([ledger, origin, size, encodeHex(rootHash), place, encodeHex(sha256(proof))]);
    if (whole.has(id)) return;
    await checkKeptProof(record);
    if (whole.size >= maxRemembered) whole.clear();
    whole.add(id);
  };
}
