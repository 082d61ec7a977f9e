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
  encodeProofFile,
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
  type ReceiptParts,
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
  type Relation,
  type Statement,
  type StatementClaims,
  signStatement,
} from "./statement/statement.ts";
