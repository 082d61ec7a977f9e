/**
 * The clerk's own key: P-256, made by the browser (Web Cryptography API) so that no script can read its private half, and kept on
 * this device.
 */
import { keyThumbprint, type PublicKey, publicKey, type Signer } from "@attestry/core";
import type { Database } from "./database.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const id = "own";

interface StoredKey {
  readonly id: typeof id;
  readonly privateKey: CryptoKey;
  /** Uncompressed point, 65 bytes. */
  readonly publicKey: Uint8Array;
}

export interface OwnKey extends Signer {
  readonly publicKey: PublicKey;
  /** RFC 9679, 32 bytes. */
  readonly thumbprint: Uint8Array;
}

/** The key of this device, made when there is none. @throws DOMException when the browser keeps nothing */
export async function openOwnKey(database: Database): Promise<OwnKey> {
  const stored = (await database.get<StoredKey>("keys", id)) ?? (await makeKey(database));
  const known = publicKey("ES256", stored.publicKey);
  return {
    publicKey: known,
    thumbprint: keyThumbprint(known),
    // RFC 9053 §2.1 wants r and s side by side, which is how Web Cryptography gives them.
    sign: async (data) =>
      new Uint8Array(
        await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, stored.privateKey, data as BufferSource),
      ),
  };
}

async function makeKey(database: Database): Promise<StoredKey> {
  const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const made: StoredKey = { id, privateKey: pair.privateKey, publicKey: raw };
  await database.put("keys", made);
  await navigator.storage?.persist?.(); // asks the browser not to clear it; it may refuse
  return made;
}
