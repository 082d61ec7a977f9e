/**
 * COSE Receipts (RFC 9942) over an RFC 9162 SHA-256 tree. The log signs the root once for all entries of a checkpoint, so the
 * signed header names the log and the time but no entry; the inclusion proof stands in the unprotected header.
 *
 * The signature covers the root and not the tree size, so a receipt of ours travels with the checkpoint of the same tree,
 * whose signature covers both. `verify()` asks for both.
 */
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
  encodeAround,
  encodeCbor,
  headLength,
} from "../cose/cbor.ts";
import { algorithmFromCose, coseAlgorithm } from "../cose/key.ts";
import { encodeSign1, parseSign1, sigStructure } from "../cose/sign1.ts";
import type { Algorithm, PublicKey } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { hashLength } from "../merkle/hash.ts";
import { rootFromInclusion } from "../merkle/proof.ts";
import { parseVerifierKey } from "../note/vkey.ts";
import { isAllSeen } from "../unseen.ts";
import { encodeKccs, parseKccs } from "./kccs.ts";
import { claim, findStrangeLabel, label } from "./labels.ts";

const code = "MALFORMED_RECEIPT";

/** `vds` 1: RFC9162_SHA256 (RFC 9942 §4). Its proofs' labels in `vdp`: -1 inclusion, -2 consistency. */
const rfc9162Sha256 = 1;
const inclusionLabel = -1;
const maxPathLength = 64;
/** Anchors, and time stamps: each takes signature checks, and whoever made the file may be hostile. */
const maxProofsOfTime = 16;

/** What the log says under its signature, beside the root itself. */
export interface ReceiptClaims {
  /** CWT `iss` and `sub`: the log's origin, as its checkpoints name it. */
  readonly origin: string;
  /** RFC 9679 thumbprint of the log's receipt key: 32 bytes. */
  readonly keyThumbprint: Uint8Array;
  /** CWT `iat`: the log's own clock, whole seconds since 1970. Never before that of an earlier checkpoint. */
  readonly time: number;
}

/** Evidence of one tree head that travels beside the receipt, unsigned by it; every part is checked for itself. */
export interface TreeEvidence {
  /** C2SP checkpoint of the same tree: a signed note with its cosignatures, as UTF-8. */
  readonly checkpoint?: Uint8Array;
  /** The log's receipt key, for a first contact. */
  readonly receiptKey?: PublicKey;
  /** The log's C2SP verifier keys, for a first contact. */
  readonly verifierKeys?: readonly string[];
  /** Anchor proofs of the checkpoint, each its own CBOR. */
  readonly anchors?: readonly Uint8Array[];
  /** RFC 3161 tokens of the checkpoint, DER. */
  readonly timeStamps?: readonly Uint8Array[];
}

export interface Receipt {
  readonly algorithm: Exclude<Algorithm, "ML-DSA-44">;
  /** The claims that the log made; each is undefined where another's receipt leaves it out. */
  readonly claims: { readonly iss?: string; readonly sub?: string; readonly iat?: number; readonly kid?: Uint8Array };
  readonly size: number;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly protectedBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly evidence: TreeEvidence;
}

/** The signed header that all receipts of one checkpoint share. */
export function encodeReceiptHeader(claims: ReceiptClaims): Uint8Array {
  const cwt: CborMap = new Map<number, CborValue>([
    [claim.iss, claims.origin],
    [claim.sub, claims.origin],
    [claim.iat, claims.time],
  ]);
  return encodeCbor(
    new Map<number, CborValue>([
      [label.alg, coseAlgorithm.ES256],
      [label.kid, claims.keyThumbprint],
      [label.cwtClaims, cwt],
      [label.vds, rfc9162Sha256],
    ]),
  );
}

/** What the log signs, once a checkpoint: the payload, detached, is the root hash (RFC 9942 §5.2.1). */
export function receiptToBeSigned(protectedBytes: Uint8Array, rootHash: Uint8Array): Uint8Array {
  return sigStructure(protectedBytes, rootHash);
}

export interface ReceiptParts extends TreeEvidence {
  readonly protectedBytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly size: number;
  readonly index: number;
  readonly path: readonly Uint8Array[];
}

export function encodeReceipt(parts: ReceiptParts): Uint8Array {
  // RFC 9942's CDDL wants at least one hash; the tree of one entry has none, and its path is the empty array.
  return encodeWith(parts, encodeCbor([parts.size, parts.index, [...parts.path]]));
}

type SharedParts = Omit<ReceiptParts, "index" | "path">;

function encodeWith(parts: SharedParts, inclusion: Uint8Array): Uint8Array {
  const unprotected: CborMap = new Map([[label.vdp, new Map([[inclusionLabel, [inclusion]]])]]);
  addTreeEvidence(unprotected, parts);
  return encodeSign1({ protectedBytes: parts.protectedBytes, unprotected, payload: null, signature: parts.signature });
}

/** Makes the receipts of one head. */
export interface ReceiptEncoder {
  encode(index: number, path: readonly Uint8Array[]): Uint8Array;
  /** Writes the receipt as a byte string. */
  write(writer: CborWriter, index: number, path: readonly Uint8Array[]): void;
}

/** For many receipts of one head, each as `encodeReceipt` gives it: what they share, and what stands beside each of them, is encoded once. */
export function receiptEncoder(parts: SharedParts): ReceiptEncoder {
  const { size } = parts;
  const [before, after] = encodeAround((inclusion) => encodeWith(parts, inclusion));

  function proofLength(index: number, { length }: readonly Uint8Array[]): number {
    const hashes = length * (headLength(hashLength) + hashLength);
    return headLength(3) + headLength(size) + headLength(index) + headLength(length) + hashes;
  }

  function receiptLength(proof: number): number {
    return before.length + headLength(proof) + proof + after.length;
  }

  function write(writer: CborWriter, index: number, path: readonly Uint8Array[]): void {
    writer.encoded(before);
    writer.head(2, proofLength(index, path));
    writer.head(4, 3);
    writer.item(size);
    writer.item(index);
    writer.head(4, path.length);
    for (const hash of path) writer.string(hash);
    writer.encoded(after);
  }

  return {
    encode(index, path) {
      const writer = new CborWriter(receiptLength(proofLength(index, path)));
      write(writer, index, path);
      return writer.written();
    },
    write(writer, index, path) {
      writer.head(2, receiptLength(proofLength(index, path)));
      write(writer, index, path);
    },
  };
}

/** The same receipt with other evidence beside it, e.g. a checkpoint that was cosigned since. */
export function withTreeEvidence(receipt: Receipt, evidence: TreeEvidence): Uint8Array {
  const { protectedBytes, signature, size, index, path } = receipt;
  return encodeReceipt({ protectedBytes, signature, size, index, path, ...receipt.evidence, ...evidence });
}

function addTreeEvidence(unprotected: CborMap, evidence: TreeEvidence): void {
  const { checkpoint, receiptKey, verifierKeys, anchors, timeStamps } = evidence;
  if (receiptKey) unprotected.set(label.kccs, encodeKccs(receiptKey));
  if (checkpoint) unprotected.set(label.checkpoint, checkpoint);
  if (verifierKeys && verifierKeys.length > 0) unprotected.set(label.verifierKeys, [...verifierKeys]);
  if (anchors && anchors.length > 0) unprotected.set(label.anchors, [...anchors]);
  if (timeStamps && timeStamps.length > 0) unprotected.set(label.timeStamps, [...timeStamps]);
}

/** Reads a receipt strictly; checks no signature. @throws MALFORMED_RECEIPT, VERIFY_ALGORITHM */
export function parseReceipt(bytes: Uint8Array): Receipt {
  const { protectedBytes, protectedHeader, unprotected, payload, signature } = parseSign1(bytes, code);
  if (payload !== null) throw new AttestryError(code, "A receipt's payload is detached.");
  if (protectedHeader.get(label.vds) !== rfc9162Sha256) {
    throw new AttestryError(code, "The receipt is not for an RFC 9162 SHA-256 tree (vds 1).");
  }
  const proofs = asMap(unprotected.get(label.vdp), "The receipt's proofs (396)", code);
  const inclusions = asArray(proofs.get(inclusionLabel), "The inclusion proofs", code);
  if (inclusions.length !== 1) throw new AttestryError(code, "The receipt must hold exactly one inclusion proof.");
  return {
    algorithm: algorithmFromCose(protectedHeader.get(label.alg)),
    claims: parseReceiptClaims(protectedHeader),
    ...parseInclusion(asBytes(inclusions[0], "The inclusion proof", code)),
    protectedBytes,
    signature,
    evidence: parseTreeEvidence(unprotected),
  };
}

function parseInclusion(bytes: Uint8Array): Pick<Receipt, "size" | "index" | "path"> {
  const [size, index, path, ...more] = asArray(decodeCbor(bytes, { code }), "The inclusion proof", code);
  const hashes = asArray(path, "The inclusion path", code).map((hash) => asBytes(hash, "A hash of the path", code, 32));
  if (more.length > 0 || hashes.length > maxPathLength)
    throw new AttestryError(code, "An inclusion proof is [size, index, path].");
  return {
    size: asInteger(size, "The tree size", code, 1),
    index: asInteger(index, "The leaf index", code),
    path: hashes,
  };
}

function parseReceiptClaims(header: CborMap): Receipt["claims"] {
  const cwt = header.has(label.cwtClaims) ? asMap(header.get(label.cwtClaims), "The CWT claims", code) : new Map();
  const iss = cwt.has(claim.iss) ? asText(cwt.get(claim.iss), "The receipt's iss", code) : undefined;
  if (iss !== undefined && !isAllSeen(iss))
    throw new AttestryError(code, "The receipt's iss has a control character or one that nobody sees.");
  return {
    ...(iss === undefined ? {} : { iss }),
    ...(cwt.has(claim.sub) ? { sub: asText(cwt.get(claim.sub), "The receipt's sub", code) } : {}),
    ...(cwt.has(claim.iat) ? { iat: asInteger(cwt.get(claim.iat), "The receipt's iat", code) } : {}),
    ...(header.has(label.kid) ? { kid: asBytes(header.get(label.kid), "The receipt's kid", code) } : {}),
  };
}

function parseTreeEvidence(unprotected: CborMap): TreeEvidence {
  const list = (key: string, what: string): CborValue[] | undefined =>
    unprotected.has(key) ? asArray(unprotected.get(key), what, code) : undefined;
  const proofsOfTime = (key: string, what: string): Uint8Array[] | undefined => {
    const items = list(key, what);
    if (items !== undefined && items.length > maxProofsOfTime)
      throw new AttestryError(code, `${what}: there may be at most ${maxProofsOfTime}.`);
    return items?.map((item) => asBytes(item, what, code));
  };
  const checkpoint = unprotected.get(label.checkpoint);
  const kccs = unprotected.get(label.kccs);
  if (findStrangeLabel(unprotected) !== undefined)
    throw new AttestryError(code, "The receipt has a header of no known name.");
  // A vkey names the hash of its own key, so reading it shows damage that no signature would.
  const verifierKeys = list(label.verifierKeys, "The verifier keys")?.map(
    (item) => parseVerifierKey(asText(item, "A verifier key", code)).text,
  );
  const anchors = proofsOfTime(label.anchors, "The anchors");
  const timeStamps = proofsOfTime(label.timeStamps, "The time stamps");
  return {
    ...(checkpoint === undefined ? {} : { checkpoint: asBytes(checkpoint, "The checkpoint", code) }),
    ...(kccs === undefined ? {} : { receiptKey: parseKccs(kccs, code) }),
    ...(verifierKeys === undefined ? {} : { verifierKeys }),
    ...(anchors === undefined ? {} : { anchors }),
    ...(timeStamps === undefined ? {} : { timeStamps }),
  };
}

/** The root hash that the receipt's inclusion proof gives for that leaf: what its signature must be over. @throws VERIFY_INCLUSION */
export function receiptRoot(receipt: Receipt, leafHash: Uint8Array): Uint8Array {
  return rootFromInclusion({ index: receipt.index, size: receipt.size, leafHash, path: receipt.path });
}
