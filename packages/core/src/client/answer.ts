/**
 * A notary's answer to a batch of statements: read strictly, checked, and made into proof files. What the receipts of one tree have
 * in common, its signatures above all, is checked and encoded once; each entry's own way to the root is followed for itself.
 */
import { equalBytes } from "../bytes.ts";
import {
  asArray,
  asBytes,
  asInteger,
  asMap,
  asText,
  type CborMap,
  type CborValue,
  CborWriter,
  decodeCbor,
  encodeCbor,
} from "../cose/cbor.ts";
import { keyThumbprint } from "../cose/key.ts";
import { parseSign1, type Sign1 } from "../cose/sign1.ts";
import { type PublicKey, verifySignature } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { inclusionChecker } from "../merkle/proof.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { checkNote, parseNote } from "../note/note.ts";
import { parseVerifierKey } from "../note/vkey.ts";
import { proofFileWriter, type WriteProofFile } from "../statement/proof-file.ts";
import {
  parseReceipt,
  type Receipt,
  type ReceiptEncoder,
  receiptEncoder,
  receiptToBeSigned,
} from "../statement/receipt.ts";
import { parseEvidence, type QuotedCheckpoint, statementFromSign1 } from "../statement/statement.ts";
import { isErrorCode } from "./http.ts";

/** What became of one statement: registered, or refused for a reason of its own. */
export type Registration =
  | { readonly index: number; readonly isNew: boolean; readonly proof: Uint8Array }
  | { readonly error: AttestryError };

/** The keys of a log, as its notary shows them. */
export interface LogKeys {
  readonly receiptKey: PublicKey;
  readonly verifierKeys: readonly string[];
}

/** A checkpoint with the note that it was read from. */
export interface ShownCheckpoint {
  readonly checkpoint: QuotedCheckpoint;
  readonly note: Uint8Array;
}

const code = "MALFORMED_RECEIPT";

/** @throws MALFORMED_NOTE, MALFORMED_CHECKPOINT; VERIFY_SIGNATURE, VERIFY_UNTRUSTED, VERIFY_CHECKPOINT unless all the log's keys signed it */
export async function readCheckpoint(bytes: Uint8Array, { verifierKeys }: LogKeys): Promise<ShownCheckpoint> {
  const note = parseNote(bytes);
  const { origin, size, rootHash } = parseCheckpoint(note.text);
  const { verified } = await checkNote(note, verifierKeys.map(parseVerifierKey));
  if (verified.length !== verifierKeys.length || verified.some(({ name }) => name !== origin))
    throw new AttestryError("VERIFY_CHECKPOINT", "The notary shows a checkpoint that is not wholly signed by its log.");
  return { checkpoint: { origin, size, rootHash }, note: bytes };
}

/**
 * What became of each statement, in their order. Each proof was checked to be of its statement, in a tree that `keys` signed.
 * @param shown the checkpoint that statements may quote; its note goes into their proofs
 * @throws MALFORMED_*, VERIFY_*
 */
export async function readAnswer(
  answer: Uint8Array,
  statements: readonly Uint8Array[],
  keys: LogKeys,
  shown: ShownCheckpoint | undefined,
): Promise<Registration[]> {
  const parts = asMap(decodeCbor(answer, { code }), "The notary's answer", code);
  const checkpoints = asArray(parts.get("checkpoints"), "The checkpoints", code);
  const results = asArray(parts.get("entries"), "The entries", code);
  if (results.length !== statements.length)
    throw new AttestryError(code, "The notary did not answer for every statement.");
  const wrap = proofWrapper(shown);
  const registrations: Registration[] = [];
  let tree: CheckedTree | undefined;
  for (const [at, result] of results.entries()) {
    const map = asMap(result, "A registration", code);
    if (map.has("error")) {
      registrations.push({ error: readError(asMap(map.get("error"), "An error", code)) });
      continue;
    }
    const receipt = parseReceipt(asBytes(map.get("receipt"), "The receipt", code));
    const place = asInteger(map.get("checkpoint"), "The checkpoint's place", code);
    if (tree === undefined || !isOfTree(receipt, place, tree))
      tree = await checkTree(receipt, place, asBytes(checkpoints[place], "The checkpoint", code), keys);
    const proof = wrap(statements[at] ?? new Uint8Array(), receipt, tree);
    registrations.push({ index: asIndex(map.get("index"), receipt), isNew: map.get("isNew") === true, proof });
  }
  return registrations;
}

/** A tree whose signatures hold, as receipts name it. */
interface CheckedTree {
  /** Of its checkpoint in the answer. */
  readonly place: number;
  readonly first: Receipt;
  readonly check: ReturnType<typeof inclusionChecker>;
  readonly encoder: ReceiptEncoder;
}

function isOfTree(receipt: Receipt, place: number, { place: known, first }: CheckedTree): boolean {
  return (
    place === known &&
    receipt.size === first.size &&
    equalBytes(receipt.protectedBytes, first.protectedBytes) &&
    equalBytes(receipt.signature, first.signature) &&
    isBare(receipt) &&
    isBare(first)
  );
}

function isBare({ evidence }: Receipt): boolean {
  return Object.keys(evidence).length === 0;
}

/** Checks what the receipts of a tree share: its checkpoint, and that the log signed the same root for receipts. */
async function checkTree(receipt: Receipt, place: number, note: Uint8Array, keys: LogKeys): Promise<CheckedTree> {
  const { protectedBytes, signature, size, claims, algorithm, evidence } = receipt;
  const { receiptKey } = keys;
  const { checkpoint } = await readCheckpoint(note, keys);
  if (checkpoint.size !== size || checkpoint.origin !== claims.iss) throw new AttestryError("VERIFY_CHECKPOINT");
  if (claims.kid !== undefined && !equalBytes(claims.kid, keyThumbprint(receiptKey)))
    throw new AttestryError("VERIFY_KEY_MISMATCH", "The receipt names another key than the notary shows.");
  const message = receiptToBeSigned(protectedBytes, checkpoint.rootHash);
  if (algorithm !== receiptKey.algorithm || !(await verifySignature(receiptKey, message, signature)))
    throw new AttestryError("VERIFY_SIGNATURE", "The receipt is not signed by the log's receipt key.");
  const shared = { protectedBytes, signature, size, ...evidence, checkpoint: note, ...keys };
  return {
    place,
    first: receipt,
    check: inclusionChecker(size, checkpoint.rootHash),
    encoder: receiptEncoder(shared),
  };
}

/** Makes proof files. Statements of one signer have the same beside them, which is encoded once. */
function proofWrapper(
  shown: ShownCheckpoint | undefined,
): (statement: Uint8Array, receipt: Receipt, tree: CheckedTree) => Uint8Array {
  // One after the other in large pieces of memory: one of its own for each would take longer to make and clear away than to fill.
  let writer = new CborWriter(proofsLength);
  let last: { readonly beside: Uint8Array; readonly quotes: boolean; readonly write: WriteProofFile } | undefined;
  const writerFor = ({ unprotected }: Sign1, quotes: boolean): WriteProofFile => {
    const beside = encodeCbor(unprotected);
    if (last === undefined || last.quotes !== quotes || !equalBytes(last.beside, beside)) {
      const evidence = { ...parseEvidence(unprotected), ...(quotes && shown && { checkpointAfter: shown.note }) };
      last = { beside, quotes, write: proofFileWriter(evidence) };
    }
    return last.write;
  };
  return (statement, { index, path }, { check, encoder }) => {
    const sign1 = parseSign1(statement, "MALFORMED_STATEMENT");
    const { entry, after } = statementFromSign1(sign1);
    check({ index, leafHash: leafHash(entry), path });
    const write = writerFor(sign1, shown !== undefined && isSameTree(after, shown.checkpoint));
    const start = writer.length;
    write(writer, sign1, () => encoder.write(writer, index, path));
    const proof = writer.written().subarray(start);
    if (writer.length > proofsLength - 2 * proof.length) writer = new CborWriter(proofsLength);
    return proof;
  };
}

/** Bytes of memory for proof files: some forty of the usual kind. */
const proofsLength = 256 * 1024;

function isSameTree(quoted: QuotedCheckpoint | undefined, { origin, size, rootHash }: QuotedCheckpoint): boolean {
  return quoted?.origin === origin && quoted.size === size && equalBytes(quoted.rootHash, rootHash);
}

function asIndex(value: CborValue | undefined, receipt: Receipt): number {
  const index = asInteger(value, "The index", code);
  if (index !== receipt.index) throw new AttestryError(code, "The receipt is not of the index that the notary names.");
  return index;
}

function readError(map: CborMap): AttestryError {
  const name = map.get("code");
  return new AttestryError(
    isErrorCode(name) ? name : "MALFORMED_REQUEST",
    asText(map.get("detail"), "The error's detail", code),
  );
}
