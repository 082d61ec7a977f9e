/** Public keys as users name them: a PEM file, or the text that `attestry key list` shows. */
import { createPublicKey } from "node:crypto";
import { existsSync } from "node:fs";
import { AttestryError, concatBytes, decodeBase64Url, type PublicKey, parseCoseKey, publicKey } from "@attestry/core";
import { readText } from "./settings.ts";

/** @throws MALFORMED_KEY, USAGE_FILE */
export function publicKeyFrom(text: string): PublicKey {
  if (/^[\w-]{40,}$/.test(text) && !existsSync(text)) return parseCoseKey(decodeBase64Url(text, "MALFORMED_KEY"));
  if (!existsSync(text)) {
    const message = `${text} cannot be read: there is no such file, and it is no public key as attestry key list shows them.`;
    throw new AttestryError("USAGE_FILE", message, { data: { path: text } });
  }
  const pem = readText(text);
  // our own key files hold the public key in clear beside the private one
  const block = /-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----[^-]*-----END [A-Z ]+-----/.exec(pem)?.[0] ?? pem;
  try {
    const key = createPublicKey(block);
    const { crv = "", x = "", y = "" } = key.export({ format: "jwk" });
    const part = (text: string): Uint8Array => decodeBase64Url(text, "MALFORMED_KEY");
    if (crv === "Ed25519") return publicKey("EdDSA", part(x));
    return publicKey(crv === "P-384" ? "ES384" : "ES256", concatBytes(Uint8Array.of(4), part(x), part(y)));
  } catch (cause) {
    throw new AttestryError("MALFORMED_KEY", `${text} holds no public key of P-256, P-384 or Ed25519.`, { cause });
  }
}
