/**
 * The `KeyWrapper` whose key-encryption keys stay in Azure Key Vault or a Managed HSM. Its wrapKey (RSA-OAEP-256, or A256KW for the
 * symmetric keys of a Managed HSM) takes no associated data, so it wraps a fresh key that is used once, and AES-256-GCM under that
 * wraps the data key with the object's id authenticated: `body = length of the wrapped key (2 bytes) ‖ wrapped key ‖ nonce ‖
 * ciphertext ‖ tag`. The newest version of the key wraps, every version unwraps.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { AttestryError, concatBytes, isAttestryError } from "@attestry/core";
import {
  checkDataKey,
  damagedWrapping,
  dataKeyLength,
  encodeContext,
  encodeWrapped,
  type KeyWrapper,
  missingKey,
  parseWrapped,
} from "@attestry/server/vault";
import type { TokenCredential } from "@azure/identity";
import type * as Keys from "@azure/keyvault-keys";
import { answerOf, checkAddress, entraCredential } from "./account.ts";
import { loadSdk } from "./sdk.ts";

export interface KeyVaultOptions {
  /**
   * The vault's address: "https://NAME.vault.azure.net", "https://NAME.vault.usgovcloudapi.net", "https://NAME.managedhsm.azure.net".
   */
  readonly vault: string;
  /** The key's name. The identity needs get, wrapKey and unwrapKey on it. */
  readonly key: string;
  /** Default: Entra ID by DefaultAzureCredential. */
  readonly credential?: TokenCredential | undefined;
  /** For proxies, retries and other transports. */
  readonly client?: Keys.KeyClientOptions & Keys.CryptographyClientOptions;
}

const kind = "azure:";
const nonceLength = 12;
const tagLength = 16;

/**
 * Opens a key that is there already; a vault's keys are made and rotated by its own rules.
 * @throws USAGE when the libraries are not installed or the key does not wrap, UNAVAILABLE_KEYS
 */
export async function openKeyVault(options: KeyVaultOptions): Promise<KeyWrapper> {
  const { CryptographyClient, KeyClient } = loadSdk<typeof Keys>("@azure/keyvault-keys");
  const { key: name, credential = entraCredential(), client = {} } = options;
  const vault = checkAddress(options.vault);
  const clients = new Map<string, Keys.CryptographyClient>();

  const newest = await asked(() => new KeyClient(vault.href, credential, client).getKey(name));
  const algorithm = newest.keyType?.startsWith("RSA") === true ? "RSA-OAEP-256" : "A256KW";
  const id = `${kind}${vault.host}/${name}/${newest.properties.version ?? ""}`;

  /** The version that an id names, when it is one of this key. */
  function clientOf(id: string): Keys.CryptographyClient {
    const prefix = `${kind}${vault.host}/${name}/`;
    const version = id.startsWith(prefix) ? id.slice(prefix.length) : "";
    if (!/^[0-9a-zA-Z]{1,64}$/.test(version)) throw missingKey(id);
    const known =
      clients.get(id) ?? new CryptographyClient(`${vault.origin}/keys/${name}/${version}`, credential, client);
    clients.set(id, known);
    return known;
  }

  return {
    id,
    async wrap(dataKey, context) {
      checkDataKey(dataKey);
      const once = randomBytes(32);
      const { result } = await asked(() => clientOf(id).wrapKey(algorithm, once), id);
      const body = concatBytes(encodeLength(result), result, seal(once, dataKey, context));
      once.fill(0);
      return encodeWrapped({ id, body });
    },
    async unwrap(wrapped, context) {
      const { id, body } = parseWrapped(wrapped);
      const client = clientOf(id);
      const [wrappedOnce, sealed] = splitBody(body);
      const { result: once } = await asked(() => client.unwrapKey(algorithm, wrappedOnce), id);
      const dataKey = open(once, sealed, context);
      once.fill(0);
      return dataKey;
    },
  };
}

function encodeLength(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes.length >> 8, bytes.length & 0xff);
}

function splitBody(body: Uint8Array): [wrappedOnce: Uint8Array, sealed: Uint8Array] {
  const end = 2 + (body[0] ?? 0) * 256 + (body[1] ?? 0);
  const sealedLength = nonceLength + dataKeyLength + tagLength;
  if (end === 2 || body.length !== end + sealedLength) throw damagedWrapping();
  return [body.subarray(2, end), body.subarray(end)];
}

function seal(key: Uint8Array, dataKey: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
  cipher.setAAD(encodeContext(context));
  return concatBytes(nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag());
}

function open(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  const end = sealed.length - tagLength;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceLength), {
      authTagLength: tagLength,
    });
    decipher.setAAD(encodeContext(context));
    decipher.setAuthTag(sealed.subarray(end));
    return concatBytes(decipher.update(sealed.subarray(nonceLength, end)), decipher.final());
  } catch {
    throw damagedWrapping();
  }
}

/** What Key Vault answers, with our errors. @param id the key that was needed, once it is known */
async function asked<T>(act: () => Promise<T>, id?: string): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isAttestryError(error)) throw error;
    const { status, reason } = answerOf(error);
    if (id !== undefined && status === 404) throw missingKey(id);
    if (id !== undefined && status === 400) throw damagedWrapping(); // what it says of bytes that do not unwrap
    const said = status === undefined ? `cannot be reached (${reason})` : `refused (${status} ${reason})`;
    throw new AttestryError("UNAVAILABLE_KEYS", `Azure Key Vault ${said}.`, { data: { status, reason } });
  }
}
