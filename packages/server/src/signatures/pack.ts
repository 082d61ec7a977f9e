/** How signature checks go to a thread: one buffer for many, which is moved and not copied. */
import { type Algorithm, type PublicKey, publicKey } from "@attestry/core";

export interface SignatureCheck {
  readonly key: PublicKey;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

const algorithms: readonly Algorithm[] = ["ES256", "ES384", "EdDSA", "ML-DSA-44"];
const lengthBytes = 4;

/** Each check as the number of its algorithm, then key, data and signature, each after its length as a 32-bit number. */
export function packChecks(checks: readonly SignatureCheck[]): Uint8Array<ArrayBuffer> {
  const sizeOf = ({ key, data, signature }: SignatureCheck): number =>
    1 + 3 * lengthBytes + key.bytes.length + data.length + signature.length;
  const bytes = new Uint8Array(checks.reduce((size, check) => size + sizeOf(check), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { key, data, signature } of checks) {
    bytes[at++] = algorithms.indexOf(key.algorithm);
    for (const part of [key.bytes, data, signature]) {
      view.setUint32(at, part.length);
      bytes.set(part, at + lengthBytes);
      at += lengthBytes + part.length;
    }
  }
  return bytes;
}

/** Data and signatures in the result are views of `bytes`. */
export function unpackChecks(bytes: Uint8Array): SignatureCheck[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const part = (): Uint8Array => {
    const start = at + lengthBytes;
    at = start + view.getUint32(at);
    return bytes.subarray(start, at);
  };
  const checks: SignatureCheck[] = [];
  while (at < bytes.length) {
    const algorithm = algorithms[view.getUint8(at++)] as Algorithm; // `packChecks` wrote it
    checks.push({ key: publicKey(algorithm, part()), data: part(), signature: part() });
  }
  return checks;
}
