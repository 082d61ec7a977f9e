/**
 * The signed statement, a file's thumbprint: a SCITT Signed Statement (RFC 9943 §6) whose payload is the file's SHA-256 hash
 * (COSE Hash Envelope, RFC 9995), with the issuer, the subject and the time as CWT claims (RFC 9597), signed by the issuer.
 * The log holds it with its unprotected header emptied: that is the entry.
 */
import { encodeBase64Url } from "../bytes.ts";
import { asArray, asBytes, asInteger, asMap, asText, type CborMap, type CborValue, encodeCbor } from "../cose/cbor.ts";
import { algorithmFromCose, coseAlgorithm, keyThumbprint } from "../cose/key.ts";
import { encodeSign1, parseSign1, type Sign1, sigStructure } from "../cose/sign1.ts";
import { type Algorithm, type PublicKey, type Signer, sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { isAllSeen } from "../unseen.ts";
import { encodeKccs, parseKccs } from "./kccs.ts";
import { claim, label, sha256Algorithm } from "./labels.ts";

/** What an issuer says of a file. */
export interface StatementClaims {
  /** CWT `iss`: a URI of the issuer; 1 to 512 characters. */
  readonly issuer: string;
  /** CWT `sub`: an opaque record number, never personal data; 1 to 512 characters. */
  readonly subject: string;
  /** CWT `iat`: whole seconds since 1970 by the issuer's clock. */
  readonly issuedAt: number;
  /** SHA-256 of the file: 32 bytes. */
  readonly digest: Uint8Array;
  /** Media type of the file (RFC 9995 label 259). */
  readonly contentType?: string;
  /** What this statement does to an earlier one. */
  readonly relation?: Relation;
  /** A checkpoint that the issuer had seen: nobody knows a root hash before its tree exists, so it was signed after that. */
  readonly after?: QuotedCheckpoint;
}

/** A log's tree as a statement quotes it. */
export interface QuotedCheckpoint {
  /** The log's origin; 1 to 512 characters. */
  readonly origin: string;
  /** At least 1: the root of the empty tree has always been known. */
  readonly size: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
}

/** A later statement that replaces or takes back an earlier one. */
export interface Relation {
  readonly kind: "supersedes" | "revokes";
  /** Leaf hash of the earlier entry: 32 bytes. */
  readonly target: Uint8Array;
  /** Why, for people; 1 to 512 characters, no personal data. */
  readonly reason: string;
}

/** What proves whose the key is. It travels in the unprotected header, and is believed only once it is checked. */
export interface Evidence {
  /** The issuer's raw key; its thumbprint must be the statement's `kid`. */
  readonly coseKey?: PublicKey;
  /** X.509 certificates (DER), the issuer's first; the first one's hash must be the statement's `x5t`. */
  readonly chain?: readonly Uint8Array[];
  /** The checkpoint that the statement quotes as a signed note, with cosignatures if there are any. */
  readonly checkpointAfter?: Uint8Array;
}

export interface Statement extends StatementClaims {
  /** COSE_Sign1 with its unprotected header emptied: the log's entry. */
  readonly entry: Uint8Array;
  readonly algorithm: Exclude<Algorithm, "ML-DSA-44">;
  /** How the signed header names the key: COSE key thumbprint (RFC 9679) or certificate hash (RFC 9360). */
  readonly key: { readonly kind: "kid" | "x5t"; readonly thumbprint: Uint8Array };
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
  /** What came along unsigned; `parseEvidence` reads the key or chain from it. */
  readonly unprotected: CborMap;
}

/** An entry bundle gives each entry a 16-bit length (C2SP tlog-tiles). */
export const maxEntryLength = 65_535;
const maxText = 512;
/** Room for some ten cosignatures with ML-DSA-44. */
export const maxNoteLength = 65_535;

/** The subject of a file that has no record number: its hash, as RFC 6920 names it. */
export function defaultSubject(digest: Uint8Array): string {
  return `ni:///sha-256;${encodeBase64Url(digest)}`;
}

/**
 * Signs a statement; the result carries the key or the chain beside it.
 * @throws MALFORMED_STATEMENT when a claim is out of bounds
 */
export async function signStatement(
  claims: StatementClaims,
  signer: Signer,
  options: { readonly chain?: readonly Uint8Array[] } = {},
): Promise<Uint8Array> {
  checkClaims(claims);
  const { algorithm } = signer.publicKey;
  if (algorithm === "ML-DSA-44")
    throw new AttestryError("VERIFY_ALGORITHM", "Statements are signed with ES256, ES384 or EdDSA.");
  const leaf = options.chain?.[0];
  const header: CborMap = new Map<number | string, CborValue>([
    [label.alg, coseAlgorithm[algorithm]],
    [
      label.cwtClaims,
      new Map<number, CborValue>([
        [claim.iss, claims.issuer],
        [claim.sub, claims.subject],
        [claim.iat, claims.issuedAt],
      ]),
    ],
    [label.payloadHashAlg, sha256Algorithm],
  ]);
  if (leaf === undefined) header.set(label.kid, keyThumbprint(signer.publicKey));
  else header.set(label.x5t, [sha256Algorithm, sha256(leaf)]); // RFC 9360 §2: over the DER bytes
  if (claims.contentType !== undefined) header.set(label.preimageContentType, claims.contentType);
  if (claims.relation !== undefined) {
    header.set(label.relation, [claims.relation.kind, claims.relation.target, claims.relation.reason]);
  }
  if (claims.after !== undefined)
    header.set(label.after, [claims.after.origin, claims.after.size, claims.after.rootHash]);
  const protectedBytes = encodeCbor(header);
  const signature = await signer.sign(sigStructure(protectedBytes, claims.digest));
  const evidence: Evidence = options.chain === undefined ? { coseKey: signer.publicKey } : { chain: options.chain };
  return encodeSign1({ protectedBytes, unprotected: encodeEvidence(evidence), payload: claims.digest, signature });
}

/** The statement with that evidence in its unprotected header, and nothing else there. */
export function withUnprotected(statement: Statement, unprotected: CborMap): Uint8Array {
  const { protectedBytes, payload, signature } = parseSign1(statement.entry, "MALFORMED_STATEMENT");
  return encodeSign1({ protectedBytes, unprotected, payload, signature });
}

export function encodeEvidence(evidence: Evidence): CborMap {
  const unprotected: CborMap = new Map();
  if (evidence.coseKey !== undefined) unprotected.set(label.kccs, encodeKccs(evidence.coseKey));
  const [leaf, ...more] = evidence.chain ?? [];
  // RFC 9360 §2: one certificate is a byte string, several are an array.
  if (leaf !== undefined) unprotected.set(label.x5chain, more.length === 0 ? leaf : [leaf, ...more]);
  if (evidence.checkpointAfter !== undefined) unprotected.set(label.checkpointAfter, evidence.checkpointAfter);
  return unprotected;
}

/**
 * Reads a signed statement strictly; checks no signature. Unknown headers are left alone: they are signed, and the log keeps them.
 * @throws MALFORMED_STATEMENT, MALFORMED_KEY, VERIFY_ALGORITHM
 */
export function parseStatement(bytes: Uint8Array): Statement {
  return statementFromSign1(parseSign1(bytes, "MALFORMED_STATEMENT"));
}

/** As `parseStatement`, for one that is parsed as COSE already. */
export function statementFromSign1(sign1: Sign1): Statement {
  const { protectedBytes, protectedHeader: header, unprotected, payload, signature } = sign1;
  const code = "MALFORMED_STATEMENT";
  const entry = encodeSign1({ protectedBytes, unprotected: new Map(), payload, signature });
  if (entry.length > maxEntryLength)
    throw new AttestryError("POLICY_TOO_LARGE", `An entry has at most ${maxEntryLength} bytes.`);
  if (header.get(label.payloadHashAlg) !== sha256Algorithm) {
    throw new AttestryError(code, "The statement is not a SHA-256 hash envelope (RFC 9995).");
  }
  // RFC 9995: label 3 would describe the hash, not the file, and is not allowed beside 258.
  if (header.has(label.contentType)) throw new AttestryError(code, "A hash envelope has no content type (label 3).");
  const digest = asBytes(payload, "The payload", code, 32);
  const cwt = asMap(header.get(label.cwtClaims), "The CWT claims", code);
  // RFC 8392 §3.1.4, §3.1.5: a verifier must heed them, and a proof is for decades.
  if (cwt.has(claim.exp) || cwt.has(claim.nbf))
    throw new AttestryError(
      code,
      "A statement has no time of expiry (exp) and no time before which it does not hold (nbf).",
    );
  const contentType = header.get(label.preimageContentType);
  const relation = header.get(label.relation);
  const after = header.get(label.after);
  const claims: StatementClaims = {
    issuer: asText(cwt.get(claim.iss), "The issuer (iss)", code),
    subject: asText(cwt.get(claim.sub), "The subject (sub)", code),
    issuedAt: asInteger(cwt.get(claim.iat), "The time (iat)", code),
    digest,
    ...(contentType === undefined ? {} : { contentType: asText(contentType, "The file's content type", code) }),
    ...(relation === undefined ? {} : { relation: parseRelation(relation) }),
    ...(after === undefined ? {} : { after: parseAfter(after) }),
  };
  checkClaims(claims);
  return {
    ...claims,
    entry,
    algorithm: algorithmFromCose(header.get(label.alg)),
    key: parseKeyName(header),
    toBeSigned: sigStructure(protectedBytes, digest),
    signature,
    unprotected,
  };
}

function parseRelation(value: CborValue): Relation {
  const code = "MALFORMED_STATEMENT";
  const [kind, target, reason, ...more] = asArray(value, "The relation", code);
  if ((kind !== "supersedes" && kind !== "revokes") || more.length > 0) {
    throw new AttestryError(code, "A relation is [supersedes or revokes, leaf hash, reason].");
  }
  return {
    kind,
    target: asBytes(target, "The relation's target", code, 32),
    reason: asText(reason, "The relation's reason", code),
  };
}

function parseAfter(value: CborValue): QuotedCheckpoint {
  const code = "MALFORMED_STATEMENT";
  const [origin, size, rootHash, ...more] = asArray(value, "The quoted checkpoint", code);
  if (more.length > 0) throw new AttestryError(code, "A quoted checkpoint is [origin, tree size, root hash].");
  return {
    origin: asText(origin, "The quoted checkpoint's origin", code),
    size: asInteger(size, "The quoted checkpoint's tree size", code, 1),
    rootHash: asBytes(rootHash, "The quoted checkpoint's root hash", code, 32),
  };
}

/** RFC 9943 §6.1: kid, unless x5t is protected. Both at once would leave open which of them counts. */
function parseKeyName(header: CborMap): Statement["key"] {
  const code = "MALFORMED_STATEMENT";
  if (header.has(label.x5t) === header.has(label.kid))
    throw new AttestryError(code, "The signed header needs a kid or an x5t, and not both.");
  if (header.has(label.kid)) return { kind: "kid", thumbprint: asBytes(header.get(label.kid), "The kid", code, 32) };
  const [algorithm, hash, ...more] = asArray(header.get(label.x5t), "The x5t", code);
  if (algorithm !== sha256Algorithm || more.length > 0) throw new AttestryError(code, "The x5t is not a SHA-256 hash.");
  return { kind: "x5t", thumbprint: asBytes(hash, "The x5t's hash", code, 32) };
}

/** The issuer's key or chain, and the quoted checkpoint, from an unprotected header. @throws MALFORMED_STATEMENT, MALFORMED_KEY */
export function parseEvidence(unprotected: CborMap): Evidence {
  const code = "MALFORMED_STATEMENT";
  const kccs = unprotected.get(label.kccs);
  const x5chain = unprotected.get(label.x5chain);
  const note = unprotected.get(label.checkpointAfter);
  const evidence: { coseKey?: PublicKey; chain?: Uint8Array[]; checkpointAfter?: Uint8Array } = {};
  if (kccs !== undefined) evidence.coseKey = parseKccs(kccs, code);
  if (x5chain !== undefined) {
    const items = x5chain instanceof Uint8Array ? [x5chain] : asArray(x5chain, "The x5chain", code);
    evidence.chain = items.map((item) => asBytes(item, "A certificate", code));
  }
  if (note !== undefined) {
    evidence.checkpointAfter = asBytes(note, "The quoted checkpoint's note", code);
    if (evidence.checkpointAfter.length > maxNoteLength)
      throw new AttestryError(code, `The quoted checkpoint's note has at most ${maxNoteLength} bytes.`);
  }
  return evidence;
}

/** They choose the form of a character, as names in Japanese registers need (UTS #37); a key or an issuer is never known by one alone. */
const variants = /\p{Variation_Selector}/gu;

/** @throws MALFORMED_STATEMENT */
export function checkClaims(claims: StatementClaims): void {
  checkText("issuer", claims.issuer);
  checkText("subject", claims.subject, variants);
  if (claims.contentType !== undefined) checkText("contentType", claims.contentType);
  if (claims.relation !== undefined) checkText("reason", claims.relation.reason, variants);
  if (claims.after !== undefined) checkText("quoted origin", claims.after.origin);
  if (claims.digest.length !== 32) throw new AttestryError("MALFORMED_STATEMENT", "The digest must have 32 bytes.");
  if (claims.relation !== undefined && claims.relation.target.length !== 32) {
    throw new AttestryError("MALFORMED_STATEMENT", "The relation's target must be a leaf hash of 32 bytes.");
  }
  if (claims.after === undefined) return;
  if (!Number.isSafeInteger(claims.after.size) || claims.after.size < 1)
    throw new AttestryError("MALFORMED_STATEMENT", "A quoted checkpoint is of a tree of at least one entry.");
  if (claims.after.rootHash.length !== 32)
    throw new AttestryError("MALFORMED_STATEMENT", "A quoted checkpoint's root hash must have 32 bytes.");
}

/** @param allowed what may be in it although nobody sees it by itself */
function checkText(name: string, text: string, allowed?: RegExp): void {
  const fits = text.length > 0 && text.length <= maxText;
  // Half a surrogate pair is of those that are refused: it would be signed as U+FFFD.
  if (fits && (isAllSeen(text) || (allowed !== undefined && isAllSeen(text.replaceAll(allowed, ""))))) return;
  throw new AttestryError(
    "MALFORMED_STATEMENT",
    `The ${name} must have 1 to ${maxText} characters, none of them a control character or one that nobody sees.`,
  );
}
