/** COSE_Sign1 (RFC 9052 §4.2), always tagged 18. The protected header's bytes are kept exactly as they were signed. */
import { AttestryError, type ErrorCode } from "../errors.ts";
import { asArray, asBytes, asMap, type CborMap, decodeCbor, encodeCbor, Tagged } from "./cbor.ts";

export interface Sign1 {
  readonly protectedBytes: Uint8Array;
  readonly protectedHeader: CborMap;
  readonly unprotected: CborMap;
  /** null when the payload is detached. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
}

export const coseSign1Tag = 18;
const noBytes = new Uint8Array();

/**
 * Reads the structure; checks no signature. No label may stand in both headers (RFC 9052 §3), and a `crit` header is refused,
 * since no label that Attestry reads may be critical.
 * @throws MALFORMED_COSE or the given code
 */
export function parseSign1(bytes: Uint8Array, code: ErrorCode = "MALFORMED_COSE"): Sign1 {
  const item = decodeCbor(bytes, { code });
  if (!(item instanceof Tagged) || item.tag !== coseSign1Tag)
    throw new AttestryError(code, "This is not a tagged COSE_Sign1.");
  const parts = asArray(item.value, "The COSE_Sign1", code);
  if (parts.length !== 4) throw new AttestryError(code, "A COSE_Sign1 has four parts.");
  const protectedBytes = asBytes(parts[0], "The protected header", code);
  const unprotected = asMap(parts[1], "The unprotected header", code);
  const payload = parts[2] === null ? null : asBytes(parts[2], "The payload", code);
  const signature = asBytes(parts[3], "The signature", code);
  const protectedHeader = parseProtectedHeader(protectedBytes, code);
  for (const label of unprotected.keys()) {
    if (protectedHeader.has(label)) throw new AttestryError(code, `Header ${label} stands in both headers.`);
  }
  return { protectedBytes, protectedHeader, unprotected, payload, signature };
}

function parseProtectedHeader(bytes: Uint8Array, code: ErrorCode): CborMap {
  if (bytes.length === 0) return new Map();
  const header = asMap(decodeCbor(bytes, { code, keyOrder: "any" }), "The protected header", code);
  if (header.has(2))
    throw new AttestryError(code, "The statement marks headers as critical that Attestry does not know.");
  return header;
}

export function encodeSign1(
  parts: Pick<Sign1, "protectedBytes" | "unprotected" | "payload" | "signature">,
): Uint8Array {
  return encodeCbor(
    new Tagged(coseSign1Tag, [parts.protectedBytes, parts.unprotected, parts.payload, parts.signature]),
  );
}

/** The bytes that are signed: Sig_structure (RFC 9052 §4.4) with no external data. */
export function sigStructure(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(["Signature1", protectedBytes, noBytes, payload]);
}
