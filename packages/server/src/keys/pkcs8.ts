/**
 * Private keys as PEM: PKCS#8 (RFC 5958 §2), encrypted by PBES2 (RFC 8018 §6.2) with scrypt (RFC 7914 §7) and AES-256-CBC.
 * The encoder is our own because `KeyObject.export` derives its key with 2,048 rounds of PBKDF2, which a graphics card
 * tries millions of times a second. `openssl pkey` opens the result.
 */
import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  scrypt,
} from "node:crypto";
import { promisify } from "node:util";
import { type Algorithm, AttestryError, concatBytes, decodeBase64Url, type PublicKey, publicKey } from "@attestry/core";

// OpenSSL refuses more than 32 MiB, so N stays at 2^14 (16 MiB) and p makes up for it: as costly to try as N = 2^17, p = 1.
const cost = { N: 16384, r: 8, p: 5 } as const;

const oid = {
  pbes2: Uint8Array.fromHex("06092a864886f70d01050d"),
  scrypt: Uint8Array.fromHex("06092b06010401da47040b"),
  aes256Cbc: Uint8Array.fromHex("060960864801650304012a"),
} as const;

/** Makes a new private key. */
export async function generatePrivateKey(algorithm: Algorithm): Promise<KeyObject> {
  switch (algorithm) {
    case "ES256":
      return (await promisify(generateKeyPair)("ec", { namedCurve: "P-256" })).privateKey;
    case "ES384":
      return (await promisify(generateKeyPair)("ec", { namedCurve: "P-384" })).privateKey;
    case "EdDSA":
      return (await promisify(generateKeyPair)("ed25519")).privateKey;
    case "ML-DSA-44":
      return (await promisify(generateKeyPair)("ml-dsa-44")).privateKey;
  }
}

/**
 * PEM of the private key, encrypted when a passphrase is given, and of its public key, which needs none to be read.
 * @throws USAGE_PASSPHRASE when the passphrase is empty
 */
export async function encodeKeyPem(key: KeyObject, passphrase?: string): Promise<string> {
  if (passphrase === "") throw new AttestryError("USAGE_PASSPHRASE", "An empty passphrase protects nothing.");
  const der = key.export({ type: "pkcs8", format: "der" });
  const hidden =
    passphrase === undefined
      ? pem("PRIVATE KEY", der)
      : pem("ENCRYPTED PRIVATE KEY", await encryptPkcs8(der, passphrase));
  return hidden + createPublicKey(key).export({ type: "spki", format: "pem" });
}

/**
 * The private key in a PEM text; anything else in the text is passed over.
 * @throws USAGE_PASSPHRASE when it is encrypted and the passphrase is missing or wrong, MALFORMED_KEY when there is no key
 */
export function parseKeyPem(text: string, passphrase?: string): KeyObject {
  const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (encrypted && passphrase === undefined) {
    throw new AttestryError("USAGE_PASSPHRASE", "The key is encrypted and no passphrase was given.");
  }
  try {
    return createPrivateKey({ key: text, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // The cause is dropped on purpose: OpenSSL's words about a decryption help nobody but a guesser.
    throw encrypted
      ? new AttestryError("USAGE_PASSPHRASE", "The passphrase does not open the key, or the key is damaged.")
      : new AttestryError("MALFORMED_KEY", "There is no PKCS#8 private key in the text.");
  }
}

/**
 * The public half of a private or public key, in core's form.
 * @throws MALFORMED_KEY for anything but P-256, P-384, Ed25519 and ML-DSA-44
 */
export function publicKeyOf(key: KeyObject): PublicKey {
  const algorithm = algorithmOf(key);
  const jwk: { x?: unknown; y?: unknown; pub?: unknown } = (key.type === "public" ? key : createPublicKey(key)).export({
    format: "jwk",
  });
  const part = (name: "x" | "y" | "pub"): Uint8Array => decodeBase64Url(String(jwk[name]), "MALFORMED_KEY");
  if (algorithm === "EdDSA") return publicKey(algorithm, part("x"));
  if (algorithm === "ML-DSA-44") return publicKey(algorithm, part("pub"));
  return publicKey(algorithm, concatBytes(Uint8Array.of(4), part("x"), part("y")));
}

function algorithmOf(key: KeyObject): Algorithm {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === "ed25519") return "EdDSA";
  if (key.asymmetricKeyType === "ml-dsa-44") return "ML-DSA-44";
  if (key.asymmetricKeyType === "ec" && curve === "prime256v1") return "ES256";
  if (key.asymmetricKeyType === "ec" && curve === "secp384r1") return "ES384";
  const found = curve ?? key.asymmetricKeyType ?? "an unknown kind";
  throw new AttestryError("MALFORMED_KEY", `The key is ${found}; use P-256, P-384, Ed25519 or ML-DSA-44.`);
}

async function encryptPkcs8(der: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = await new Promise<Buffer>((resolve, reject) =>
    scrypt(passphrase, salt, 32, cost, (error, derived) => (error ? reject(error) : resolve(derived))),
  );
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const encrypted = concatBytes(cipher.update(der), cipher.final());
  const kdf = sequence(oid.scrypt, sequence(octets(salt), ...[cost.N, cost.r, cost.p, 32].map(integer)));
  return sequence(sequence(oid.pbes2, sequence(kdf, sequence(oid.aes256Cbc, octets(iv)))), octets(encrypted));
}

function tlv(tag: number, content: Uint8Array): Uint8Array {
  const length = content.length;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...head), content);
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return tlv(0x30, concatBytes(...parts));
}

function octets(bytes: Uint8Array): Uint8Array {
  return tlv(0x04, bytes);
}

function integer(value: number): Uint8Array {
  return tlv(0x02, value < 128 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 0xff)); // all of ours are below 2^15
}

function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
