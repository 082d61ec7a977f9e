/**
 * The log's three keys and what they sign of each tree head: a C2SP checkpoint, with Ed25519 and with ML-DSA-44 so that it
 * outlives quantum computers, and the root for COSE receipts with ES256.
 */
import { join } from "node:path";
import {
  AttestryError,
  type Checkpoint,
  checkNote,
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
  parseCheckpoint,
  parseNote,
  receiptToBeSigned,
  type Signer,
  sha256,
  signatureType,
  signCosignature,
  type VerifierKey,
  verifySignature,
} from "@attestry/core";
import { createFileSigner, openOrCreateSigner, type Passphrase, readPublicKey } from "./keys/file-signer.ts";
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

/** The public halves of a log's keys, from the key files; needs no passphrase. @throws NOT_FOUND when one is not there */
export async function readLogPublicKeys(folder: string): Promise<LogPublicKeys> {
  const read = (name: string): Promise<PublicKey> => readPublicKey(join(folder, `${name}.pem`));
  return { ed25519: await read("log-ed25519"), mlDsa44: await read("log-mldsa44"), es256: await read("log-es256") };
}

/** The origin of a log that was given none: unique by its key, and plainly not a public host name. */
export function defaultOrigin(keys: LogKeys): string {
  return `attestry.localhost/${encodeHex(sha256(keys.ed25519.publicKey.bytes).subarray(0, 4))}`;
}

/** The public halves, as `LogKeys`. */
export interface LogPublicKeys {
  readonly ed25519: PublicKey;
  readonly mlDsa44: PublicKey;
  readonly es256: PublicKey;
}

/** What a log's heads look like and whether their signatures hold: all that the audit needs. */
export interface HeadVerifier {
  readonly origin: string;
  /** Ed25519, then ML-DSA-44; both under the origin's name. */
  readonly verifierKeys: readonly [ed25519: VerifierKey, mlDsa44: VerifierKey];
  readonly receiptKey: PublicKey;
  readonly receiptKeyThumbprint: Uint8Array;

  /** The protected header that the receipts of a head share. */
  receiptHeader(head: Head): Uint8Array;

  /** The checkpoint's text, which notes and cosignatures sign. */
  text(head: Head): string;

  /** Checks a head's Ed25519 and ES256 signatures. @throws VERIFY_SIGNATURE */
  check(head: SignedHead): Promise<void>;

  /**
   * Checks that a checkpoint is this log's and bears good signatures of both note keys.
   * @throws VERIFY_SIGNATURE, VERIFY_UNTRUSTED, VERIFY_CHECKPOINT, MALFORMED_NOTE, MALFORMED_CHECKPOINT
   */
  checkNote(note: Uint8Array): Promise<Checkpoint>;

  /** As `check`, and that the note is this head's. @throws as `checkNote` */
  checkCurrent(head: CurrentHead): Promise<void>;
}

/** @throws USAGE when the origin cannot stand in a checkpoint */
export function createHeadVerifier(origin: string, keys: LogPublicKeys): HeadVerifier {
  checkOrigin(origin);
  const ed25519 = createVerifierKey(origin, keys.ed25519, signatureType.ed25519);
  const mlDsa44 = createVerifierKey(origin, keys.mlDsa44, signatureType.mlDsaCosignature);
  const receiptKeyThumbprint = keyThumbprint(keys.es256);
  const text = ({ size, rootHash }: Head): string => encodeCheckpoint({ origin, size, rootHash, extensions: [] });
  const receiptHeader = ({ time }: Head): Uint8Array =>
    encodeReceiptHeader({ origin, keyThumbprint: receiptKeyThumbprint, time });

  async function check(head: SignedHead): Promise<void> {
    const toBeSigned = receiptToBeSigned(receiptHeader(head), head.rootHash);
    const good = await Promise.all([
      verifySignature(keys.ed25519, encodeUtf8(text(head)), head.noteSignature),
      verifySignature(keys.es256, toBeSigned, head.receiptSignature),
    ]);
    if (good.includes(false)) throw new AttestryError("VERIFY_SIGNATURE", "The head is not signed by this log's keys.");
  }

  async function checkLogNote(bytes: Uint8Array): Promise<Checkpoint> {
    const note = parseNote(bytes);
    const { verified } = await checkNote(note, [ed25519, mlDsa44]);
    const checkpoint = parseCheckpoint(note.text);
    if (verified.length === 2 && checkpoint.origin === origin) return checkpoint;
    throw new AttestryError("VERIFY_CHECKPOINT", "The checkpoint lacks a signature of this log, or is another's.");
  }

  return {
    origin,
    verifierKeys: [ed25519, mlDsa44],
    receiptKey: keys.es256,
    receiptKeyThumbprint,
    receiptHeader,
    text,
    check,
    checkNote: checkLogNote,
    async checkCurrent(head: CurrentHead): Promise<void> {
      const [, { size, rootHash }] = await Promise.all([check(head), checkLogNote(head.note)]);
      if (size === head.size && equalBytes(rootHash, head.rootHash)) return;
      throw new AttestryError("VERIFY_CHECKPOINT", "The stored checkpoint is not the stored head's.");
    },
  };
}

export interface HeadSigner extends HeadVerifier {
  /** The ES256 key of receipts, which also vouches for the log on ledgers. */
  readonly receiptSigner: Signer;
  /** Signs a head with all three keys. */
  sign(head: Head): Promise<Pick<CurrentHead, "note" | "noteSignature" | "receiptSignature">>;

  /** An older head's checkpoint again: its ML-DSA-44 signature is not kept, so it is made anew, for the same time. */
  noteOf(head: SignedHead): Promise<Uint8Array>;
}

/** @throws USAGE when the origin cannot stand in a checkpoint */
export function createHeadSigner(origin: string, keys: LogKeys): HeadSigner {
  const verifier = createHeadVerifier(origin, {
    ed25519: keys.ed25519.publicKey,
    mlDsa44: keys.mlDsa44.publicKey,
    es256: keys.es256.publicKey,
  });
  const { text, receiptHeader, verifierKeys } = verifier;
  const [ed25519, mlDsa44] = verifierKeys;
  const line = ({ name, keyId }: VerifierKey, signature: Uint8Array): NoteSignature => ({ name, keyId, signature });

  async function noteWith(head: Head, noteSignature: Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    const body = text(head);
    const signed = await Promise.all([noteSignature, signCosignature(body, mlDsa44, keys.mlDsa44, head.time)]);
    const signatures = [line(ed25519, signed[0]), line(mlDsa44, signed[1])];
    return encodeUtf8(encodeNote({ text: body, signatures }));
  }

  return {
    ...verifier,
    receiptSigner: keys.es256,
    async sign(head: Head): Promise<Pick<CurrentHead, "note" | "noteSignature" | "receiptSignature">> {
      const signing = keys.ed25519.sign(encodeUtf8(text(head)));
      const [note, noteSignature, receiptSignature] = await Promise.all([
        noteWith(head, signing),
        signing,
        keys.es256.sign(receiptToBeSigned(receiptHeader(head), head.rootHash)),
      ]);
      return { note, noteSignature, receiptSignature };
    },
    noteOf: (head) => noteWith(head, head.noteSignature),
  };
}

/** @throws USAGE when it cannot stand in a checkpoint */
export function checkOrigin(origin: string): void {
  if (isKeyName(origin) && encodeUtf8(origin).length <= 255) return;
  throw new AttestryError(
    "USAGE",
    "An origin is 1 to 255 bytes with no space, plus sign, control character or one that nobody sees.",
  );
}
