/**
 * What a certificate may say of an entry: all of it read from the entry's proof file and checked by `verify()`, so that the
 * certificate never says more than the proof does.
 */
import {
  AttestryError,
  type Cosignature,
  checkEvmAnchor,
  checkNote,
  type EvmAnchor,
  encodeCheckpoint,
  encodeUtf8,
  equalBytes,
  isAttestryError,
  keyThumbprint,
  type LaterStatement,
  leafHash,
  type Note,
  type ProofFile,
  parseEvmAnchor,
  parseNote,
  parseProofFile,
  type Receipt,
  receiptRoot,
  type Statement,
  sha256,
  type TimeBound,
  type Trust,
  thumbprintUri,
  type VerifierKey,
  verify,
} from "@attestry/core";

/** All times are whole seconds of Unix time. */
export interface CertificateFacts {
  readonly statement: Statement;
  readonly origin: string;
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** By the log's own clock. */
  readonly registeredAt: number;
  /** The earliest time that the log's trust vouches for. */
  readonly notAfter: TimeBound;
  /** By the clock of the log whose checkpoint the statement quotes; undefined when it quotes none. */
  readonly notBefore: TimeBound | undefined;
  /** The issuer's X.509 certificate, where it signed with one. */
  readonly certificate: IssuerCertificate | undefined;
  readonly cosignatures: readonly { readonly name: string; readonly time: number }[];
  readonly anchors: readonly AnchorFact[];
  readonly timeStamps: readonly TimeStampFact[];
  /** The newest last. */
  readonly later: readonly LaterStatement[];
  /** The log's Ed25519 key as a C2SP verifier key, and its receipt key as an RFC 9679 thumbprint URI. */
  readonly verifierKey: string;
  readonly receiptKey: string;
}

export interface IssuerCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface AnchorFact {
  readonly chainId: number;
  readonly contract: Uint8Array;
  readonly block: number;
  readonly blockHash: Uint8Array;
  readonly time: number;
  /** Of the tree that was anchored. */
  readonly size: number;
}

export interface TimeStampFact {
  readonly authority: string;
  readonly time: number;
  readonly size: number;
}

/**
 * Reads a proof file that the log itself made.
 * @param trust in the log and its witnesses
 * @throws FATAL_CORRUPT when the proof does not hold, or is of no entry of a log that is trusted: nothing may be certified then
 */
export async function gatherFacts(bytes: Uint8Array, trust: Trust, registeredAt: number): Promise<CertificateFacts> {
  const proof = parseProofFile(bytes);
  const { statement } = proof;
  const report = await verify({ proof: bytes, digest: statement.digest, trust, askedForLater: "the log itself" });
  const receipt = proof.receipts.find(({ size }) => size === report.entry?.treeSize);
  const refused = report.verdict === "invalid" || report.verdict === "untrusted";
  if (refused || receipt === undefined || report.entry === undefined || report.notAfter === undefined) {
    throw new AttestryError("FATAL_CORRUPT", `The entry's proof does not hold: ${report.summary} Run attestry audit.`);
  }
  const { origin, index, treeSize } = report.entry;
  const target = leafHash(statement.entry);
  const [certificate, cosignatures, anchors, timeStamps] = await Promise.all([
    readCertificate(proof),
    readCosignatures(receipt, trust),
    Promise.all(proof.receipts.flatMap(({ evidence }) => (evidence.anchors ?? []).map(readAnchor))),
    Promise.all(proof.receipts.flatMap((one) => (one.evidence.timeStamps ?? []).map((t) => readStamp(t, one, target)))),
  ]);
  return {
    statement,
    origin,
    index,
    leafHash: target,
    treeSize,
    rootHash: receiptRoot(receipt, target),
    registeredAt,
    notAfter: report.notAfter,
    notBefore: report.notBefore,
    certificate,
    cosignatures: cosignatures.map(({ key, timestamp }) => ({ name: key.name, time: timestamp })),
    anchors: anchors.filter((anchor) => anchor !== undefined),
    timeStamps,
    later: report.later.toSorted((a, b) => a.index - b.index),
    verifierKey: receipt.evidence.verifierKeys?.[0] ?? "",
    receiptKey: receipt.evidence.receiptKey ? thumbprintUri(keyThumbprint(receipt.evidence.receiptKey)) : "",
  };
}

async function readCertificate({ evidence }: ProofFile): Promise<IssuerCertificate | undefined> {
  const leaf = evidence.chain?.[0];
  if (leaf === undefined) return undefined;
  const { subject, issuer, notBefore, notAfter } = (await import("@attestry/core/x509")).parseCertificate(leaf);
  return { subject, issuer, notBefore, notAfter };
}

/** Those of known witnesses, one each: a witness may sign with two keys. */
async function readCosignatures({ evidence }: Receipt, trust: Trust): Promise<Cosignature[]> {
  if (evidence.checkpoint === undefined) return [];
  const note = parseNote(evidence.checkpoint);
  const known = trust.witnesses.filter((key) => bears(note, key));
  if (known.length === 0) return [];
  const { cosignatures } = await checkNote(note, known);
  const byName = new Map(cosignatures.toSorted((a, b) => b.timestamp - a.timestamp).map((one) => [one.key.name, one]));
  return [...byName.values()].toSorted((a, b) => a.timestamp - b.timestamp);
}

function bears({ signatures }: Note, { name, keyId }: VerifierKey): boolean {
  return signatures.some((line) => line.name === name && equalBytes(line.keyId, keyId));
}

/** It is `verify()` that refuses one that does not hold together; which block is on the chain is for the reader to find out. */
async function readAnchor(bytes: Uint8Array): Promise<AnchorFact | undefined> {
  const anchor = parseKnown(bytes);
  if (anchor === undefined) return undefined;
  const { chainId, contract, size } = anchor;
  const its = { kind: "evm", name: `chain ${chainId}`, chainId, contract, basis: "nothing" } as const;
  const { blockNumber, blockHash, time } = await checkEvmAnchor(anchor, anchor, [its]);
  return { chainId, contract, block: blockNumber, blockHash, time, size };
}

/** Undefined for a kind of ledger that is to come. */
function parseKnown(bytes: Uint8Array): EvmAnchor | undefined {
  try {
    return parseEvmAnchor(bytes);
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}

/** As with anchors, whether the authority is one to be believed is for the reader. */
async function readStamp(token: Uint8Array, receipt: Receipt, target: Uint8Array): Promise<TimeStampFact> {
  const { checkTimeStamp, parseTimeStampToken } = await import("@attestry/core/timestamp");
  const { certificates } = parseTimeStampToken(token);
  const origin = receipt.claims.iss ?? "";
  const text = encodeCheckpoint({ origin, size: receipt.size, rootHash: receiptRoot(receipt, target), extensions: [] });
  const imprint = { algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) } as const;
  const { authority, time, accuracy = 0 } = await checkTimeStamp({ token, imprint, roots: certificates });
  return { authority, time: time + Math.ceil(accuracy), size: receipt.size };
}
