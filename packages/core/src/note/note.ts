/** Signed notes, a text with signature lines below it: C2SP signed-note v1.0.0 (https://c2sp.org/signed-note@v1.0.0). */
import { concatBytes, decodeBase64, decodeUtf8, encodeBase64, encodeHex, encodeUtf8, equalBytes } from "../bytes.ts";
import { type Signer, verifySignature } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { checkCosignature, signCosignature } from "./cosignature.ts";
import { createVerifierKey, isSignerName, type SignatureType, signatureType, type VerifierKey } from "./vkey.ts";

/** More signatures than this are refused; the specification asks for at least 16. */
export const maxSignatures = 64;

const keyIdLength = 4;

/** One signature line. `signature` is what the key's type calls for, without the key ID. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** Not to be believed before `checkNote`. `text` ends with a newline. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Signs notes with one key. Make one with `createNoteSigner`. */
export interface NoteSigner {
  readonly verifierKey: VerifierKey;
  /** The signature over a note's text, as it stands after the key ID. */
  sign(text: string): Promise<Uint8Array>;
}

/**
 * Signs as `type` says: with the types of cosignatures, only checkpoints, and as of `now()`, in whole seconds since 1970.
 * @throws MALFORMED_KEY when the name or the key does not suit the type.
 */
export function createNoteSigner(
  name: string,
  signer: Signer,
  type: SignatureType,
  now: () => number = () => Math.floor(Date.now() / 1000),
): NoteSigner {
  const verifierKey = createVerifierKey(name, signer.publicKey, type);
  const sign = (text: string): Promise<Uint8Array> =>
    type === signatureType.ed25519 ? signer.sign(encodeUtf8(text)) : signCosignature(text, verifierKey, signer, now());
  return { verifierKey, sign };
}

/** A note with one signature of each signer, in their order. @throws MALFORMED_NOTE when the text cannot be a note's. */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<Note> {
  checkText(text);
  const signatures = signers.map(async (signer) => {
    const { name, keyId } = signer.verifierKey;
    return { name, keyId, signature: await signer.sign(text) };
  });
  return { text, signatures: await Promise.all(signatures) };
}

/** @throws MALFORMED_NOTE when the note could not be parsed again: a bad text or name, or no signature. */
export function encodeNote({ text, signatures }: Note): string {
  checkText(text);
  return `${text}\n${encodeSignatureLines(signatures)}`;
}

/** Reads a note, as bytes or as text that was read as UTF-8. @throws MALFORMED_NOTE */
export function parseNote(note: Uint8Array | string): Note {
  const whole = typeof note === "string" ? note : decodeUtf8(note, "MALFORMED_NOTE");
  checkText(whole);
  const blank = whole.lastIndexOf("\n\n"); // the text may have empty lines; the last one ends it
  if (blank === -1) throw refuse("The note has no empty line before its signatures.");
  return { text: whole.slice(0, blank + 1), signatures: parseSignatureLines(whole.slice(blank + 2)) };
}

/** Signature lines alone, as a witness answers with them. @throws MALFORMED_NOTE */
export function encodeSignatureLines(signatures: readonly NoteSignature[]): string {
  checkCount(signatures.length);
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!isSignerName(name) || keyId.length !== keyIdLength || signature.length === 0)
      throw refuse("A signature is malformed.");
    return `\u2014 ${name} ${encodeBase64(concatBytes(keyId, signature))}\n`;
  });
  return lines.join("");
}

/** One signature line or more, each ended by a newline. @throws MALFORMED_NOTE */
export function parseSignatureLines(text: string): NoteSignature[] {
  if (!text.endsWith("\n")) throw refuse("The signatures do not end with a newline.");
  const lines = text.slice(0, -1).split("\n", maxSignatures + 1);
  checkCount(lines.length);
  return lines.map(parseSignatureLine);
}

function parseSignatureLine(line: string): NoteSignature {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  if (dash !== "\u2014" || !isSignerName(name) || rest.length > 0) throw refuse("A signature line is malformed.");
  const bytes = decodeBase64(base64, "MALFORMED_NOTE");
  if (bytes.length <= keyIdLength) throw refuse("A signature line has no signature.");
  return { name, keyId: bytes.subarray(0, keyIdLength), signature: bytes.subarray(keyIdLength) };
}

/** What a note's signatures show under the keys that it was checked with. */
export interface NoteCheck {
  /** The keys whose signature is good, each once; at least one. */
  readonly verified: readonly VerifierKey[];
  /** The times that those of the cosignature types state, in seconds since 1970. */
  readonly cosignatures: readonly Cosignature[];
}

export interface Cosignature {
  readonly key: VerifierKey;
  readonly timestamp: number;
}

/**
 * Checks every signature that is by one of `keys`, as its type says, and ignores all others. Whether those that verified are
 * enough is for the caller: a quorum of witnesses is no signature of the log.
 * @throws VERIFY_SIGNATURE when one of these keys did not make the signature under its name, VERIFY_UNTRUSTED when there is no
 *   signature of any, MALFORMED_CHECKPOINT when a key of a cosignature type has signed what is not a checkpoint.
 */
export async function checkNote(note: Note, keys: readonly VerifierKey[]): Promise<NoteCheck> {
  const known = note.signatures.flatMap((signature) => {
    const key = keys.find(({ name, keyId }) => name === signature.name && equalBytes(keyId, signature.keyId));
    return key === undefined ? [] : [{ key, signature: signature.signature }];
  });
  if (known.length === 0) {
    const data = { signatures: note.signatures.map(({ name, keyId }) => `${name}+${encodeHex(keyId)}`) };
    throw new AttestryError("VERIFY_UNTRUSTED", "None of the note's signatures is by a known key.", { data });
  }
  // A signature that stands twice is checked twice: the specification lets none of a known key pass unchecked.
  const times = await Promise.all(known.map(({ key, signature }) => checkSignature(note.text, key, signature)));
  return {
    verified: [...new Set(known.map(({ key }) => key))],
    cosignatures: known.flatMap(({ key }, at) => (times[at] ? [{ key, timestamp: times[at] }] : [])),
  };
}

/** The time that the signature states; 0 for none. */
async function checkSignature(text: string, key: VerifierKey, signature: Uint8Array): Promise<number> {
  if (key.type !== signatureType.ed25519) return checkCosignature(text, key, signature);
  if (await verifySignature(key.publicKey, encodeUtf8(text), signature)) return 0;
  const data = { name: key.name, keyId: encodeHex(key.keyId) };
  throw new AttestryError("VERIFY_SIGNATURE", `The signature of ${key.name} does not match the note.`, { data });
}

function checkText(text: string): void {
  if (!text.endsWith("\n")) throw refuse("The note's text does not end with a newline.");
  if (!text.isWellFormed() || /[\x00-\x09\x0b-\x1f]/.test(text))
    throw refuse("The note has a control character or is not Unicode.");
}

function checkCount(count: number): void {
  if (count === 0 || count > maxSignatures) throw refuse(`A note has 1 to ${maxSignatures} signatures.`);
}

function refuse(message: string): AttestryError {
  return new AttestryError("MALFORMED_NOTE", message);
}
