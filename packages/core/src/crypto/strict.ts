/** What both providers refuse alike, before their libraries see it: these differ in what they throw at and what they let pass. */
import { isOnEd25519, isStrongEd25519 } from "./ed25519.ts";
import { type CryptoProvider, type PublicKey, publicKeyLength, signatureLength } from "./port.ts";

/** Wraps a provider so that `verifySignature` never rejects and no key is accepted that the port rules out. */
export function strictProvider(inner: CryptoProvider): CryptoProvider {
  return {
    ...inner,
    async verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
      if (!isPlausible(key) || signature.length !== signatureLength[key.algorithm]) return false;
      // An honest nonce point has a large order. OpenSSL 3.5 refuses others, earlier versions and noble do not.
      if (key.algorithm === "EdDSA" && !isStrongEd25519(signature.subarray(0, 32))) return false;
      try {
        return await inner.verifySignature(key, data, signature);
      } catch {
        return false; // a point that is not on its curve, or a signature that does not decode
      }
    },
    isValidPublicKey(key: PublicKey): boolean {
      return isPlausible(key) && (key.algorithm !== "EdDSA" || isOnEd25519(key.bytes)) && inner.isValidPublicKey(key);
    },
  };
}

function isPlausible({ algorithm, bytes }: PublicKey): boolean {
  if (bytes.length !== publicKeyLength[algorithm]) return false;
  if (algorithm === "EdDSA") return isStrongEd25519(bytes);
  return algorithm === "ML-DSA-44" || bytes[0] === 0x04; // SEC 1 §2.3.3: OpenSSL would take the hybrid forms 06 and 07 too
}
