/**
 * Timestamped signatures on checkpoints: C2SP tlog-cosignature, Ed25519 as in v1.0.1 and ML-DSA-44 as in v1.1.0-rc.1 (the text
 * of 2026-07-11, https://c2sp.org/tlog-cosignature). Witnesses cosign in this form; and by that day's tlog-checkpoint it is
 * also how a log signs its own checkpoints with ML-DSA-44, under its own key of type 06 whose name is the origin.
 */
import { concatBytes, encodeHex, encodeUtf8 } from "../bytes.ts";
import { type Signer, verifySignature } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import { signatureType, type VerifierKey } from "./vkey.ts";

const timestampLength = 8;

/**
 * Signs a checkpoint's text as of `timestamp` (seconds since 1970), giving timestamp ‖ signature. What the signature says is
 * that the signer knows no larger consistent tree of that log; with ML-DSA-44 a timestamp of 0 leaves that out.
 * @throws MALFORMED_CHECKPOINT when the text is not a checkpoint, or for ML-DSA-44 its origin has more than 255 bytes.
 */
export async function signCosignature(
  text: string,
  key: VerifierKey,
  signer: Signer,
  timestamp: number,
): Promise<Uint8Array> {
  return concatBytes(uint64(timestamp), await signer.sign(cosignedMessage(text, key, timestamp)));
}

/**
 * Checks a signature of type 04 or 06 over a checkpoint's text, and gives the time that it states, in seconds since 1970; 0 when
 * an ML-DSA-44 signature states none. Whether that time is in the future is for the caller to judge.
 * @throws VERIFY_SIGNATURE, or MALFORMED_CHECKPOINT when the text is not a checkpoint.
 */
export async function checkCosignature(text: string, key: VerifierKey, signature: Uint8Array): Promise<number> {
  const timestamp = readTimestamp(signature);
  if (timestamp !== undefined) {
    const message = cosignedMessage(text, key, timestamp);
    if (await verifySignature(key.publicKey, message, signature.subarray(timestampLength))) return timestamp;
  }
  const data = { name: key.name, keyId: encodeHex(key.keyId) };
  throw new AttestryError("VERIFY_SIGNATURE", `The cosignature of ${key.name} does not match the checkpoint.`, {
    data,
  });
}

/** Undefined when it is cut short, or past what a number holds exactly (285 million years). */
function readTimestamp(signature: Uint8Array): number | undefined {
  if (signature.length < timestampLength) return undefined;
  const timestamp = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  return timestamp <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(timestamp) : undefined;
}

function cosignedMessage(text: string, key: VerifierKey, timestamp: number): Uint8Array {
  const { origin, size, rootHash } = parseCheckpoint(text);
  if (key.type !== signatureType.mlDsaCosignature) return encodeUtf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
  // struct cosigned_message: label, cosigner_name, timestamp, log_origin, start, end, hash
  return concatBytes(
    encodeUtf8("subtree/v1\n\0"),
    opaque255(key.name),
    uint64(timestamp),
    opaque255(origin),
    uint64(0),
    uint64(size),
    rootHash,
  );
}

/** TLS presentation language's `opaque x<1..2^8-1>` (RFC 8446 §3.4). */
function opaque255(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length > 255) throw new AttestryError("MALFORMED_CHECKPOINT", "The origin has more than 255 bytes.");
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

function uint64(n: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n));
  return bytes;
}
