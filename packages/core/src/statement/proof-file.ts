/**
 * The proof file (`deed.pdf.proof`): a SCITT Transparent Statement (RFC 9943 §7), that is the signed statement with its
 * receipts in the unprotected header. Beside them travel the issuer's key or certificates, and proof files of later
 * statements about the same entry. Everything needed to verify offline is in it, and nothing in it is trusted by itself.
 */
import { asArray, asBytes, type CborMap, type CborWriter, encodeAround, encodeCbor } from "../cose/cbor.ts";
import { coseSign1Tag, parseSign1, type Sign1 } from "../cose/sign1.ts";
import { AttestryError } from "../errors.ts";
import { findStrangeLabel, label } from "./labels.ts";
import { parseReceipt, type Receipt } from "./receipt.ts";
import {
  type Evidence,
  encodeEvidence,
  parseEvidence,
  type Statement,
  statementFromSign1,
  withUnprotected,
} from "./statement.ts";

const code = "MALFORMED_PROOF_FILE";

/** A whole proof file with its certificates, checkpoints and anchors stays well below this. */
export const maxProofFileLength: number = 4 * 1024 * 1024;

/** Whether a name is that of a proof file, or of an earlier one that was kept: such a file is not to be notarised itself. */
export function isProofFileName(name: string): boolean {
  return /\.proof(\.\d+)?$/.test(name);
}
const maxReceipts = 16;
const maxLater = 16;

export interface ProofFile {
  readonly statement: Statement;
  readonly evidence: Evidence;
  readonly receipts: readonly Receipt[];
  /** Proof files of later statements about this entry; parse each with `parseProofFile`. */
  readonly later: readonly Uint8Array[];
}

export interface ProofFileParts {
  readonly statement: Statement;
  readonly evidence: Evidence;
  /** Encoded receipts (`encodeReceipt`), the first one first to be shown. */
  readonly receipts: readonly Uint8Array[];
  readonly later?: readonly Uint8Array[];
}

export function encodeProofFile(parts: ProofFileParts): Uint8Array {
  const unprotected: CborMap = encodeEvidence(parts.evidence);
  // RFC 9942 §2: the label is left out when there is no receipt.
  if (parts.receipts.length > 0) unprotected.set(label.receipts, [...parts.receipts]);
  if (parts.later !== undefined && parts.later.length > 0) unprotected.set(label.later, [...parts.later]);
  return withUnprotected(parts.statement, unprotected);
}

/** Writes one proof file of one receipt, as `encodeProofFile` gives it; `writeReceipt` writes the receipt as a byte string. */
export type WriteProofFile = (writer: CborWriter, statement: Sign1, writeReceipt: (writer: CborWriter) => void) => void;

/** For many proof files with the same evidence: it is encoded once. */
export function proofFileWriter(evidence: Evidence): WriteProofFile {
  const [before, after] = encodeAround((receipt) =>
    encodeCbor(encodeEvidence(evidence).set(label.receipts, [receipt])),
  );
  return (writer, { protectedBytes, payload, signature }, writeReceipt) => {
    writer.head(6, coseSign1Tag);
    writer.head(4, 4);
    writer.string(protectedBytes);
    writer.encoded(before);
    writeReceipt(writer);
    writer.encoded(after);
    writer.item(payload);
    writer.string(signature);
  };
}

/**
 * Reads a proof file strictly; checks no signature.
 * @throws MALFORMED_PROOF_FILE, MALFORMED_STATEMENT, MALFORMED_RECEIPT, MALFORMED_KEY, VERIFY_ALGORITHM, POLICY_TOO_LARGE
 */
export function parseProofFile(bytes: Uint8Array): ProofFile {
  if (bytes.length > maxProofFileLength) throw new AttestryError(code, "The file is larger than any proof file.");
  const sign1 = parseSign1(bytes, code);
  if (findStrangeLabel(sign1.unprotected) !== undefined)
    throw new AttestryError(code, "It has a header of no known name.");
  const items = (key: number | string, what: string, most: number): Uint8Array[] => {
    if (!sign1.unprotected.has(key)) return [];
    const list = asArray(sign1.unprotected.get(key), what, code);
    if (list.length === 0 || list.length > most)
      throw new AttestryError(code, `${what}: there must be 1 to ${most}, or no such header.`);
    return list.map((item) => asBytes(item, what, code));
  };
  const statement = statementFromSign1(sign1);
  const evidence = parseEvidence(sign1.unprotected);
  if (evidence.checkpointAfter !== undefined && statement.after === undefined)
    throw new AttestryError(code, "It has the note of a quoted checkpoint, and the statement quotes none.");
  return {
    statement,
    evidence,
    receipts: items(label.receipts, "The receipts", maxReceipts).map(parseReceipt),
    later: items(label.later, "The later statements", maxLater),
  };
}
