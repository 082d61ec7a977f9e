/**
 * The `Signer` whose key is a PEM file: PKCS#8, mode 0600, encrypted with a passphrase unless asked otherwise. Signing runs
 * on the thread pool.
 */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Algorithm, AttestryError, type ErrorCode, type PublicKey, type Signer } from "@attestry/core";
import { encodeKeyPem, generatePrivateKey, parseKeyPem, publicKeyOf } from "./pkcs8.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface Passphrase {
  readonly passphrase?: string | undefined;
}

const digestOf: Readonly<Record<Algorithm, string | null>> = {
  ES256: "sha256",
  ES384: "sha384",
  EdDSA: null,
  "ML-DSA-44": null,
};

/**
 * Creates a key and writes it to a file that must not exist. Durable when it resolves.
 * @throws CONFLICT_EXISTS, UNAVAILABLE_STORAGE, USAGE_FILE
 */
export async function createKeyFile(
  path: string,
  options: Passphrase & { algorithm?: Algorithm } = {},
): Promise<PublicKey> {
  const key = await generatePrivateKey(options.algorithm ?? "ES256");
  await writePrivateFile(path, await encodeKeyPem(key, options.passphrase));
  return publicKeyOf(key);
}

/**
 * Writes somebody's PEM private key (PKCS#8, SEC 1; encrypted or not) to a file of our own form, which must not exist.
 * @param options `openWith` opens the given text, `passphrase` encrypts the file
 * @throws MALFORMED_KEY, USAGE_PASSPHRASE, CONFLICT_EXISTS, UNAVAILABLE_STORAGE, USAGE_FILE
 */
export async function importKeyFile(
  path: string,
  pem: string,
  options: Passphrase & { openWith?: string } = {},
): Promise<PublicKey> {
  const key = parseKeyPem(pem, options.openWith);
  const publicKey = publicKeyOf(key);
  await writePrivateFile(path, await encodeKeyPem(key, options.passphrase));
  return publicKey;
}

/**
 * Opens a key file for signing.
 * @throws NOT_FOUND, USAGE_FILE (others can read it), USAGE_PASSPHRASE, MALFORMED_KEY
 */
export async function createFileSigner(path: string, options: Passphrase = {}): Promise<Signer> {
  const key = parseKeyPem(await readPrivateFile(path), options.passphrase);
  const publicKey = publicKeyOf(key);
  const signer: Signer = { publicKey, sign: (data) => signWith(key, digestOf[publicKey.algorithm], data) };
  threadKeys.set(signer, key);
  return signer;
}

const threadKeys = new WeakMap<Signer, KeyObject>();

/**
 * The key of a signer that was opened from a file, for `createThreadSigner` on another thread: `postMessage` shares the object and
 * writes the key nowhere. undefined of any other signer.
 */
export function threadKey(signer: Signer): KeyObject | undefined {
  return threadKeys.get(signer);
}

/** Signs on the calling thread. One that does nothing else saves the way to the thread pool, which costs more than the signature. */
export function createThreadSigner(key: KeyObject): Signer {
  const publicKey = publicKeyOf(key);
  const digest = digestOf[publicKey.algorithm];
  return { publicKey, sign: async (data) => new Uint8Array(sign(digest, data, { key, dsaEncoding: "ieee-p1363" })) };
}

/** Opens a key file, or creates it when there is none. @throws as `createFileSigner` and `createKeyFile` */
export async function openOrCreateSigner(
  path: string,
  options: Passphrase & { algorithm?: Algorithm } = {},
): Promise<Signer> {
  try {
    return await createFileSigner(path, options);
  } catch (error) {
    if (!isCode(error, "NOT_FOUND")) throw error;
  }
  await createKeyFile(path, options).catch((error: unknown) => {
    if (!isCode(error, "CONFLICT_EXISTS")) throw error; // another process was quicker: its key is the one
  });
  return createFileSigner(path, options);
}

/**
 * The public key of a key file, or of the one that is made when there is none. Needs no passphrase for a file of our form.
 * @throws as `openOrCreateSigner`
 */
export async function openOrCreatePublicKey(path: string, options: Passphrase = {}): Promise<PublicKey> {
  return (await describe(path)).publicKey ?? (await openOrCreateSigner(path, options)).publicKey;
}

/** The public key that a key file names, with no passphrase. @throws NOT_FOUND when there is none, or no such file */
export async function readPublicKey(path: string): Promise<PublicKey> {
  const { publicKey } = await describe(path);
  if (publicKey === undefined) throw new AttestryError("NOT_FOUND", `${path} is not there, or names no public key.`);
  return publicKey;
}

/** One key of a folder. `publicKey` is undefined when the file names none that can be read without its passphrase. */
export interface KeyFile {
  readonly path: string;
  readonly encrypted: boolean;
  readonly publicKey: PublicKey | undefined;
}

/** The key files (`*.pem`) of a folder in the order of their names; none when there is no folder. Opens no private key. */
export async function listKeyFiles(folder: string): Promise<KeyFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".pem")).sort();
  return Promise.all(names.map((name) => describe(join(folder, name))));
}

async function describe(path: string): Promise<KeyFile> {
  const text = await readFile(path, "utf8").catch(() => "");
  let publicKey: PublicKey | undefined;
  try {
    const block = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/.exec(text);
    if (block !== null) publicKey = publicKeyOf(createPublicKey(block[0]));
  } catch {
    // a key of another kind is listed without its public half
  }
  return { path, encrypted: /^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text), publicKey };
}

function signWith(key: KeyObject, digest: string | null, data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(digest, data, { key, dsaEncoding: "ieee-p1363" }, (error, signature) =>
      error ? reject(error) : resolve(signature),
    );
  });
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof AttestryError && error.code === code;
}
