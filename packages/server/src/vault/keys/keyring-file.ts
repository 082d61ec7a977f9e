/**
 * The keyring's file: key-encryption keys, sealed together under a passphrase by scrypt (RFC 7914) and AES-256-GCM
 * (NIST SP 800-38D). Lines of text, so that a person sees which keys it holds. Layout: docs/format/vault.md.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
  scrypt,
} from "node:crypto";
import { AttestryError, concatBytes, decodeBase64, encodeBase64, encodeUtf8 } from "@attestry/core";

/** Bytes of a key-encryption key. */
export const keyLength = 32;

/** A key as the file names it, to everybody who may read it. */
export interface KeyName {
  /** "local:" and 16 hexadecimal digits. */
  readonly id: string;
  /** RFC 3339, whole seconds, UTC. */
  readonly created: string;
}

/** How a passphrase becomes the key of the seal. */
export interface Lock {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Uint8Array;
}

/** What the file says without its passphrase. */
export interface SealedKeyring {
  /** The oldest first. */
  readonly names: readonly KeyName[];
  readonly lock: Lock;
  /** The lines that the seal is bound to, as they stand there. */
  readonly head: Uint8Array;
  /** `nonce ‖ ciphertext ‖ tag` of the keys, joined in the order of their names. */
  readonly sealed: Uint8Array;
}

const version = "attestry vault keyring 1";
const nonceLength = 12;
const tagLength = 16;
// As in keys/pkcs8.ts: 16 MiB of memory, and as much work for a guess as N = 2^17 with p = 1.
const cost = { N: 16_384, r: 8, p: 5 } as const;
// A file may name a higher cost, so that raising it needs no new format, but none that would take all memory (256 MiB here).
const most = { N: 2 ** 18, p: 16 } as const;

/** A lock with a salt of its own. */
export function newLock(): Lock {
  return { cost, salt: new Uint8Array(randomBytes(16)) };
}

/**
 * The key that a passphrase makes, after some tenths of a second on the thread pool.
 * @throws USAGE_PASSPHRASE when empty
 */
export async function unlock({ cost, salt }: Lock, passphrase: string): Promise<KeyObject> {
  if (passphrase === "") throw new AttestryError("USAGE_PASSPHRASE", "An empty passphrase protects nothing.");
  const options = { ...cost, maxmem: 128 * cost.r * (cost.N + cost.p + 2) + 1 };
  return new Promise((resolve, reject) =>
    scrypt(passphrase, salt, 32, options, (error, key) => (error ? reject(error) : resolve(createSecretKey(key)))),
  );
}

/** The file's text. @param keys of `names`, joined */
export function sealKeyring(names: readonly KeyName[], keys: Uint8Array, lock: Lock, key: KeyObject): string {
  const { cost, salt } = lock;
  const head = [
    version,
    ...names.map(({ id, created }) => `key ${id} ${created}`),
    `scrypt ${cost.N} ${cost.r} ${cost.p} ${encodeBase64(salt)}\n`,
  ].join("\n");
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(encodeUtf8(head));
  const sealed = concatBytes(nonce, cipher.update(keys), cipher.final(), cipher.getAuthTag());
  const text = `${head}sealed ${encodeBase64(sealed)}\n`;
  return `${text}sha256 ${hexDigest(text)}\n`;
}

/**
 * Reads the file's text strictly.
 * @param path named in errors
 * @throws FATAL_CORRUPT when a byte is not as it was written, FATAL_VERSION when a newer version wrote it
 */
export function parseKeyring(text: string, path: string): SealedKeyring {
  const newer = /^attestry vault keyring ([2-9]|[1-9][0-9]+)\n/.exec(text);
  if (newer) throw new AttestryError("FATAL_VERSION", `${path} was written by a newer version. Start that version.`);
  const parts = /^(([^\n]+\n((?:key [^\n]+\n)+)scrypt ([^\n]+)\n)sealed ([^\n]+)\n)sha256 ([^\n]+)\n$/.exec(text);
  const [, hashed = "", head = "", keyLines = "", lockLine = "", sealedText = "", digest] = parts ?? [];
  // The digest is no secret's: it tells damage from a wrong passphrase. Whoever means harm is stopped by the seal.
  if (digest !== hexDigest(hashed) || !head.startsWith(`${version}\n`)) throw damagedKeyring(path);
  const names = keyLines.trimEnd().split("\n").map(parseName);
  const lock = parseLock(lockLine);
  const sealed = base64OrNone(sealedText);
  const isWhole = sealed?.length === nonceLength + names.length * keyLength + tagLength;
  if (lock === undefined || !names.every((name) => name !== undefined) || !isWhole) throw damagedKeyring(path);
  return { names, lock, head: encodeUtf8(head), sealed };
}

/** The keys, joined in the order of their names. @throws USAGE_PASSPHRASE when this is not the key of the seal */
export function openSeal({ head, sealed }: SealedKeyring, key: KeyObject): Uint8Array {
  const end = sealed.length - tagLength;
  const nonce = sealed.subarray(0, nonceLength);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength }).setAAD(head);
  decipher.setAuthTag(sealed.subarray(end));
  const keys = decipher.update(sealed.subarray(nonceLength, end));
  try {
    decipher.final();
  } catch {
    throw new AttestryError("USAGE_PASSPHRASE", "The passphrase does not open the vault's keyring.");
  }
  return keys;
}

function parseName(line: string): KeyName | undefined {
  const [, id, created] = /^key (local:[0-9a-f]{16}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(line) ?? [];
  return id === undefined || created === undefined ? undefined : { id, created };
}

function parseLock(line: string): Lock | undefined {
  const parts = /^([1-9]\d{0,5}) 8 ([1-9]\d?) (\S{24})$/.exec(line);
  const [N, p] = [Number(parts?.[1]), Number(parts?.[2])];
  const salt = base64OrNone(parts?.[3] ?? "");
  const isAllowed = N >= cost.N && N <= most.N && (N & (N - 1)) === 0 && p <= most.p;
  return salt !== undefined && isAllowed ? { cost: { N, r: 8, p }, salt } : undefined;
}

function base64OrNone(text: string): Uint8Array | undefined {
  try {
    return text === "" ? undefined : decodeBase64(text, "FATAL_CORRUPT");
  } catch {
    return undefined;
  }
}

function hexDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function damagedKeyring(path: string): AttestryError {
  return new AttestryError(
    "FATAL_CORRUPT",
    `The keyring ${path} is damaged. Put a copy from your backup in its place: without it no stored object can be read.`,
  );
}
