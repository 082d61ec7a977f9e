/**
 * The log's three keys and what they sign of each tree head: a C2SP checkpoint, with Ed25519 and with ML-DSA-44 so that it
 * outlives quantum computers, and the root for COSE receipts with ES256.
 */
import { join } from "node:path";
import {
  AttestryError,
  checkCosignature,
  createVerifierKey,
  encodeCheckpoint,
  encodeHex,
  encodeNote,
  encodeReceiptHeader,
  encodeUtf8,
  equalBytes,
  isKeyName,
  keyThumbprint,
  type NoteSignature,
  type PublicKey,
  parseNote,
  receiptToBeSigned,
  type Signer,
  sha256,
  signatureType,
  signCosignature,
  type VerifierKey,
  verifySignature,
} from "@attestry/core";
import { createFileSigner, openOrCreateSigner, type Passphrase } from "./keys/file-signer.ts";
import type { CurrentHead, Head, SignedHead } from "./log/store.ts";

export interface LogKeys {
  readonly ed25519: Signer;
  readonly mlDsa44: Signer;
  readonly es256: Signer;
}

/**
 * Opens the log's keys in a folder. For a new log (`create`) it makes those that are missing; for one that exists a missing key
 * is an error, since another would not be the log's.
 * @throws as `createFileSigner` and `createKeyFile`
 */
export async function openLogKeys(folder: string, options: Passphrase & { create: boolean }): Promise<LogKeys> {
  const open = (name: string, algorithm: "EdDSA" | "ML-DSA-44" | "ES256"): Promise<Signer> => {
    const path = join(folder, `${name}.pem`);
    return options.create ? openOrCreateSigner(path, { ...options, algorithm }) : createFileSigner(path, options);
  };
  return {
    ed25519: await open("log-ed25519", "EdDSA"),
    mlDsa44: await open("log-mldsa44", "ML-DSA-44"),
    es256: await open("log-es256", "ES256"),
  };
}

/** The origin of a log that was given none: unique by its key, and plainly not a public host name. */
export function defaultOrigin(keys: LogKeys): string {
  return `attestry.localhost/${encodeHex(sha256(keys.ed25519.publicKey.bytes).subarray(0, 4))}`;
}

export interface HeadSigner {
  readonly origin: string;
  /** Ed25519, then ML-DSA-44; both under the origin's name. */
  readonly verifierKeys: readonly VerifierKey[];
  readonly receiptKey: PublicKey;
  readonly receiptKeyThumbprint: Uint8Array;

  /** Signs a head with all three keys. */
  sign(head: Head): Promise<Pick<CurrentHead, "note" | "noteSignature" | "receiptSignature">>;

  /** The protected header that the receipts of a head share. */
  receiptHeader(head: Head): Uint8Array;

  /** The checkpoint's text, which notes and cosignatures sign. */
  text(head: Head): string;

  /** An older head's checkpoint again: its ML-DSA-44 signature is not kept, so it is made anew, for the same time. */
  noteOf(head: SignedHead): Promise<Uint8Array>;

  /** Checks a head's Ed25519 and ES256 signatures. @throws VERIFY_SIGNATURE */
  check(head: SignedHead): Promise<void>;

  /** As `check`, and that the note is this head's with good signatures of both note keys. @throws VERIFY_SIGNATURE, MALFORMED_NOTE */
  checkCurrent(head: CurrentHead): Promise<void>;
}

/** @throws USAGE when the origin cannot stand in a checkpoint */
export function createHeadSigner(origin: string, keys: LogKeys): HeadSigner {
  checkOrigin(origin);
  const ed25519 = createVerifierKey(origin, keys.ed25519.publicKey, signatureType.ed25519);
  const mlDsa44 = createVerifierKey(origin, keys.mlDsa44.publicKey, signatureType.mlDsaCosignature);
  const receiptKey = keys.es256.publicKey;
  const receiptKeyThumbprint = keyThumbprint(receiptKey);

  const text = ({ size, rootHash }: Head): string => encodeCheckpoint({ origin, size, rootHash, extensions: [] });
  const receiptHeader = ({ time }: Head): Uint8Array =>
    encodeReceiptHeader({ origin, keyThumbprint: receiptKeyThumbprint, time });
  const line = ({ name, keyId }: VerifierKey, signature: Uint8Array): NoteSignature => ({ name, keyId, signature });

  async function check(head: SignedHead): Promise<void> {
    const toBeSigned = receiptToBeSigned(receiptHeader(head), head.rootHash);
    const good = await Promise.all([
      verifySignature(ed25519.publicKey, encodeUtf8(text(head)), head.noteSignature),
      verifySignature(receiptKey, toBeSigned, head.receiptSignature),
    ]);
    if (good.includes(false)) throw new AttestryError("VERIFY_SIGNATURE", "The head is not signed by this log's keys.");
  }

  async function noteWith(head: Head, noteSignature: Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    const body = text(head);
    const mlDsa = signCosignature(body, mlDsa44, keys.mlDsa44, head.time);
    const signatures = [line(ed25519, await noteSignature), line(mlDsa44, await mlDsa)];
    return encodeUtf8(encodeNote({ text: body, signatures }));
  }

  return {
    origin,
    verifierKeys: [ed25519, mlDsa44],
    receiptKey,
    receiptKeyThumbprint,
    receiptHeader,
    text,
    check,

    noteOf: (head) => noteWith(head, head.noteSignature),

    async sign(head: Head): Promise<Pick<CurrentHead, "note" | "noteSignature" | "receiptSignature">> {
      const noteSignature = keys.ed25519.sign(encodeUtf8(text(head)));
      const [note, receiptSignature] = await Promise.all([
        noteWith(head, noteSignature),
        keys.es256.sign(receiptToBeSigned(receiptHeader(head), head.rootHash)),
      ]);
      return { note, noteSignature: await noteSignature, receiptSignature };
    },

    async checkCurrent(head: CurrentHead): Promise<void> {
      await check(head);
      const note = parseNote(head.note);
      const signed = (key: VerifierKey): Uint8Array =>
        note.signatures.find(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId))?.signature ??
        new Uint8Array();
      if (note.text !== text(head) || !equalBytes(signed(ed25519), head.noteSignature)) {
        throw new AttestryError("VERIFY_SIGNATURE", "The stored checkpoint is not the stored head's.");
      }
      await checkCosignature(note.text, mlDsa44, signed(mlDsa44));
    },
  };
}

function checkOrigin(origin: string): void {
  if (isKeyName(origin) && encodeUtf8(origin).length <= 255) return;
  throw new AttestryError("USAGE", "An origin is 1 to 255 bytes with no space, plus sign or control character.");
}
