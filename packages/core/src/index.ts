/** `@attestry/core`: formats, proofs, policy and `verify()`. What a court's expert reads, and nothing else. */

export {
  type AnchorFinding,
  anchorStorageSlot,
  checkEvmAnchor,
  type EvmAnchor,
  encodeEvmAnchor,
  parseEvmAnchor,
  type TrustedLedger,
} from "./anchor/evm-anchor.ts";
export {
  concatBytes,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  encodeUtf8,
  equalBytes,
} from "./bytes.ts";
export {
  type CborKey,
  type CborMap,
  type CborValue,
  CborWriter,
  type DecodeOptions,
  decodeCbor,
  encodeCbor,
  Tagged,
} from "./cose/cbor.ts";
export {
  encodeCoseKey,
  encodeKeySet,
  encodeNamedCoseKey,
  keyThumbprint,
  parseCoseKey,
  parseKeySet,
  parseThumbprintUri,
  thumbprintUri,
} from "./cose/key.ts";
export { encodeSign1, parseSign1, type Sign1, sigStructure } from "./cose/sign1.ts";
export {
  type Algorithm,
  createSha256,
  type Hasher,
  type PublicKey,
  publicKey,
  type Signer,
  sha256,
  verifySignature,
} from "./crypto/index.ts";
export {
  type CheckedEvent,
  type CustodyMeans,
  type CustodyProblem,
  checkCustody,
  checkCustodyEvent,
  type ReadEvent,
  readCustody,
} from "./custody/check.ts";
export {
  type CustodyAct,
  type CustodyEvent,
  type CustodyFacts,
  checkCustodyText,
  custodyContentType,
  encodeCustodyEvent,
  parseCustodyEvent,
} from "./custody/event.ts";
export * from "./errors.ts";
export { emptyRoot, hashLength, leafHash, nodeHash } from "./merkle/hash.ts";
export {
  type ConsistencyProof,
  checkConsistency,
  checkInclusion,
  type InclusionProof,
  rootFromInclusion,
} from "./merkle/proof.ts";
export {
  type ExpandedTile,
  encodeEntryBundle,
  entriesPath,
  expandTile,
  fullWidth,
  nodeFromTile,
  parseEntryBundle,
  parseTilePath,
  type TileAddress,
  tilePath,
  tileReader,
  tileWidth,
} from "./merkle/tile.ts";
export {
  createFrontier,
  type Frontier,
  frontierNodes,
  type OnNode,
  proveConsistency,
  proveInclusion,
  type ReadNode,
  treeRoot,
} from "./merkle/tree.ts";
export { type Checkpoint, encodeCheckpoint, parseCheckpoint, parseTreeSize } from "./note/checkpoint.ts";
export { checkCosignature, signCosignature } from "./note/cosignature.ts";
export {
  type Cosignature,
  checkNote,
  createNoteSigner,
  encodeNote,
  encodeSignatureLines,
  maxSignatures,
  type Note,
  type NoteCheck,
  type NoteSignature,
  type NoteSigner,
  parseNote,
  parseSignatureLines,
  signNote,
} from "./note/note.ts";
export {
  createVerifierKey,
  encodeVerifierKey,
  isKeyName,
  parseVerifierKey,
  type SignatureType,
  signatureType,
  type VerifierKey,
} from "./note/vkey.ts";
export { type AddCheckpoint, encodeAddCheckpoint, parseAddCheckpoint } from "./note/witness.ts";
export {
  encodeProofFile,
  isProofFileName,
  maxProofFileLength,
  type ProofFile,
  type ProofFileParts,
  parseProofFile,
} from "./statement/proof-file.ts";
export {
  encodeReceipt,
  encodeReceiptHeader,
  parseReceipt,
  type Receipt,
  type ReceiptClaims,
  type ReceiptEncoder,
  type ReceiptParts,
  receiptEncoder,
  receiptRoot,
  receiptToBeSigned,
  type TreeEvidence,
  withTreeEvidence,
} from "./statement/receipt.ts";
export {
  checkClaims,
  defaultSubject,
  type Evidence,
  encodeEvidence,
  maxEntryLength,
  parseEvidence,
  parseStatement,
  type QuotedCheckpoint,
  type Relation,
  type Statement,
  type StatementClaims,
  signStatement,
} from "./statement/statement.ts";
export { entryHashes } from "./statement/twin.ts";
export { emptyTrust, parseTrustFile, type Trust, type TrustedIssuer, type TrustedLog } from "./trust.ts";
export type { Check, CheckName, LaterStatement, Report, TimeBound, Verdict } from "./verify/report.ts";
export { type VerifyOptions, verify } from "./verify/verify.ts";
// Only types: chain.ts is loaded when a proof has certificates.
export type { Certificate, ChainFault, CheckChainOptions, CheckedChain } from "./x509/chain.ts";
export { certificateThumbprint, parsePemCertificates } from "./x509/pem.ts";
