/** Verifier keys ("vkeys"), the text form of a key that checks notes: C2SP signed-note v1.0.0 (https://c2sp.org/signed-note@v1.0.0). */
import { concatBytes, decodeBase64, encodeBase64, encodeHex, encodeUtf8 } from "../bytes.ts";
import { type Algorithm, type PublicKey, publicKey, sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { isAllSeen } from "../unseen.ts";

/** What a key signs: the note's text; the text with a time before it; or a checkpoint's tree (see `cosignature.ts`). */
export const signatureType = { ed25519: 0x01, ed25519Cosignature: 0x04, mlDsaCosignature: 0x06 } as const;

export type SignatureType = (typeof signatureType)[keyof typeof signatureType];

const algorithmOf: Readonly<Record<SignatureType, Algorithm>> = { 1: "EdDSA", 4: "EdDSA", 6: "ML-DSA-44" };

/** A key that notes are checked with. `name` and `keyId` (4 bytes) together pick its signatures out of a note. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly type: SignatureType;
  readonly publicKey: PublicKey;
  /** `name+hex(keyId)+base64(type ‖ key)` */
  readonly text: string;
}

/** @throws MALFORMED_KEY when the name cannot stand in a signature line or the key's algorithm is not that of the type. */
export function createVerifierKey(name: string, key: PublicKey, type: SignatureType): VerifierKey {
  if (!isKeyName(name))
    throw refuse(
      "A key name is not empty and has no space, plus sign, control character or character that nobody sees.",
    );
  if (key.algorithm !== algorithmOf[type])
    throw refuse(`A key of type ${type} is ${algorithmOf[type]}, not ${key.algorithm}.`);
  const nameBytes = encodeUtf8(name);
  // tlog-cosignature signs the name behind a length of one byte
  if (type === signatureType.mlDsaCosignature && nameBytes.length > 255)
    throw refuse("The key name has more than 255 bytes.");
  const material = concatBytes(Uint8Array.of(type), key.bytes);
  const keyId = sha256(concatBytes(nameBytes, Uint8Array.of(0x0a), material)).subarray(0, 4);
  return { name, keyId, type, publicKey: key, text: `${name}+${encodeHex(keyId)}+${encodeBase64(material)}` };
}

/** The text form of a key. @throws MALFORMED_KEY as `createVerifierKey` does. */
export function encodeVerifierKey(name: string, key: PublicKey, type: SignatureType): string {
  return createVerifierKey(name, key, type).text;
}

// Proofs of one log bring the same few keys over and over, and a post-quantum one is long.
const recentKeys = new Map<string, VerifierKey>();
const recentKeysKept = 64;

/** @throws MALFORMED_KEY; also when the key ID is not the one that the name, type and key give, or the type is not supported. */
export function parseVerifierKey(text: string): VerifierKey {
  const known = recentKeys.get(text);
  if (known !== undefined) return known;
  const key = readVerifierKey(text);
  const [oldest] = recentKeys.keys();
  if (recentKeys.size >= recentKeysKept && oldest !== undefined) recentKeys.delete(oldest);
  recentKeys.set(text, key);
  return key;
}

function readVerifierKey(text: string): VerifierKey {
  const [name = "", , ...rest] = text.split("+");
  const material = decodeBase64(rest.join("+"), "MALFORMED_KEY"); // base64 has plus signs of its own
  const type = material[0];
  if (!isSignatureType(type)) throw refuse("The verifier key is of a type that is not supported.");
  const key = createVerifierKey(name, publicKey(algorithmOf[type], material.subarray(1)), type);
  if (key.text !== text) throw refuse("The verifier key's ID is not the one that its name, type and key give.");
  return key;
}

/** Whether a key may have that name: it can stand in a signature line, and all of it is seen. */
export function isKeyName(name: string): boolean {
  return isSignerName(name) && isAllSeen(name);
}

/** Whether a name can stand in a signature line, be it of a key or not: not empty, no Unicode space, no plus sign, no control character. */
export function isSignerName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}+\x00-\x1f]+$/u.test(name);
}

function isSignatureType(type: number | undefined): type is SignatureType {
  return type !== undefined && type in algorithmOf;
}

function refuse(message: string): AttestryError {
  return new AttestryError("MALFORMED_KEY", message);
}
