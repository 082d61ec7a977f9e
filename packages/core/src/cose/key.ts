/** COSE_Key (RFC 9052 §7, RFC 9053 §7), its thumbprint (RFC 9679), and key sets. */
import { concatBytes, decodeBase64Url, encodeBase64Url } from "../bytes.ts";
import { type Algorithm, type PublicKey, publicKey, sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { asArray, asBytes, asMap, type CborMap, decodeCbor, encodeCbor } from "./cbor.ts";

const kty = 1;
const kid = 2;
const alg = 3;
const crv = -1;
const x = -2;
const y = -3;

/** COSE algorithm identifiers (RFC 9053 §2); EdDSA is -8, and its fully specified form for Ed25519 -19 (RFC 9864) is read too. */
export const coseAlgorithm: Readonly<Record<Exclude<Algorithm, "ML-DSA-44">, number>> = {
  ES256: -7,
  ES384: -35,
  EdDSA: -8,
};

/** @throws VERIFY_ALGORITHM when it is none that Attestry accepts */
export function algorithmFromCose(id: unknown): Exclude<Algorithm, "ML-DSA-44"> {
  if (id === -7) return "ES256";
  if (id === -35) return "ES384";
  if (id === -8 || id === -19) return "EdDSA";
  throw new AttestryError("VERIFY_ALGORITHM", `Algorithm ${String(id)} is not accepted; ES256, ES384 and EdDSA are.`);
}

const curves = {
  ES256: { kty: 2, crv: 1, size: 32 },
  ES384: { kty: 2, crv: 2, size: 48 },
  EdDSA: { kty: 1, crv: 6, size: 32 },
} as const;

/** The members that a thumbprint covers, and no others (RFC 9679 §3 to §4). */
function requiredMembers(key: PublicKey): CborMap {
  if (key.algorithm === "ML-DSA-44")
    throw new AttestryError("MALFORMED_KEY", "An ML-DSA-44 key signs notes, not statements.");
  const curve = curves[key.algorithm];
  const members: CborMap = new Map<number, number | Uint8Array>([
    [kty, curve.kty],
    [crv, curve.crv],
  ]);
  if (curve.kty === 1) return members.set(x, key.bytes);
  return members.set(x, key.bytes.subarray(1, 1 + curve.size)).set(y, key.bytes.subarray(1 + curve.size));
}

/** The COSE_Key with its required members only: the same key always gives the same bytes. */
export function encodeCoseKey(key: PublicKey): Uint8Array {
  return encodeCbor(requiredMembers(key));
}

/** Reads a COSE_Key; an `alg` must go with the curve, and other members are left out. @throws MALFORMED_KEY */
export function parseCoseKey(bytes: Uint8Array): PublicKey {
  return coseKeyFromMap(asMap(decodeCbor(bytes, { code: "MALFORMED_KEY" }), "The COSE key", "MALFORMED_KEY"));
}

/** As `encodeCoseKey`, for embedding in other CBOR. */
export function coseKeyToMap(key: PublicKey): CborMap {
  return requiredMembers(key);
}

/** As `parseCoseKey`, for a key that stands in other CBOR. @throws MALFORMED_KEY */
export function coseKeyFromMap(map: CborMap): PublicKey {
  for (const algorithm of ["ES256", "ES384", "EdDSA"] as const) {
    const curve = curves[algorithm];
    if (map.get(kty) !== curve.kty || map.get(crv) !== curve.crv) continue;
    if (map.has(alg) && algorithmFromKeyMember(map.get(alg)) !== algorithm) {
      throw new AttestryError("MALFORMED_KEY", "The COSE key's algorithm does not go with its curve.");
    }
    const xBytes = asBytes(map.get(x), "The key's x", "MALFORMED_KEY", curve.size);
    if (curve.kty === 1) return publicKey(algorithm, xBytes);
    const yBytes = asBytes(map.get(y), "The key's y", "MALFORMED_KEY", curve.size);
    return publicKey(algorithm, concatBytes(Uint8Array.of(4), xBytes, yBytes));
  }
  throw new AttestryError("MALFORMED_KEY", "The COSE key is of none of the kinds P-256, P-384 and Ed25519.");
}

function algorithmFromKeyMember(id: unknown): Algorithm {
  try {
    return algorithmFromCose(id);
  } catch (cause) {
    throw new AttestryError("MALFORMED_KEY", "The COSE key names an algorithm that is not accepted.", { cause });
  }
}

const thumbprints = new WeakMap<PublicKey, Uint8Array>();

/** SHA-256 over the key's required members (RFC 9679 §3): 32 bytes, not to be written to. */
export function keyThumbprint(key: PublicKey): Uint8Array {
  const thumbprint = thumbprints.get(key) ?? sha256(encodeCoseKey(key));
  thumbprints.set(key, thumbprint); // one signer's key comes with each of its statements
  return thumbprint;
}

const thumbprintUriPrefix = "urn:ietf:params:oauth:ckt:sha-256:";

/** RFC 9679 §5.3: the name of an issuer who is known by a key alone. */
export function thumbprintUri(thumbprint: Uint8Array): string {
  return thumbprintUriPrefix + encodeBase64Url(thumbprint);
}

/** The 32 bytes that a thumbprint URI names; undefined when the text is no such URI. @throws MALFORMED_KEY when it is a broken one */
export function parseThumbprintUri(uri: string): Uint8Array | undefined {
  if (!uri.startsWith(thumbprintUriPrefix)) return undefined;
  const thumbprint = decodeBase64Url(uri.slice(thumbprintUriPrefix.length), "MALFORMED_KEY");
  if (thumbprint.length !== 32) throw new AttestryError("MALFORMED_KEY", "A key thumbprint has 32 bytes.");
  return thumbprint;
}

/** A COSE_Key with its thumbprint as `kid` and its algorithm, as `/.well-known/scitt-keys` serves it. */
export function encodeNamedCoseKey(key: PublicKey): Uint8Array {
  return encodeCbor(namedKey(key));
}

function namedKey(key: PublicKey): CborMap {
  const members = requiredMembers(key).set(kid, keyThumbprint(key));
  return key.algorithm === "ML-DSA-44" ? members : members.set(alg, coseAlgorithm[key.algorithm]);
}

/** COSE_KeySet (RFC 9052 §7): each key with its thumbprint as `kid`. */
export function encodeKeySet(keys: readonly PublicKey[]): Uint8Array {
  return encodeCbor(keys.map(namedKey));
}

/** Reads a COSE_KeySet; a key of another kind makes it malformed. @throws MALFORMED_KEY */
export function parseKeySet(bytes: Uint8Array): PublicKey[] {
  const items = asArray(decodeCbor(bytes, { code: "MALFORMED_KEY", keyOrder: "any" }), "The key set", "MALFORMED_KEY");
  return items.map((item) => coseKeyFromMap(asMap(item, "A key of the set", "MALFORMED_KEY")));
}
