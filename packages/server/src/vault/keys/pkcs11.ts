/**
 * The `KeyWrapper` whose key-encryption keys never leave a hardware module: AES-256 keys behind PKCS#11 (OASIS, v2.40)
 * that wrap by CKM_AES_GCM. They are the secret keys of a token with one label (CKA_LABEL); the one with the greatest
 * CKA_ID, read as a number, wraps, and all unwrap.
 */
import { isAttestryError } from "@attestry/core";
import { dataKeyLength } from "../format/stream.ts";
import {
  checkDataKey,
  damagedWrapping,
  encodeWrapped,
  type KeyWrapper,
  missingKey,
  parseWrapped,
} from "./key-wrapper.ts";
import { openLibrary } from "./pkcs11-binding.ts";
import { bodyLength, keyOperations } from "./pkcs11-keys.ts";
import { openToken, type Pkcs11Session } from "./pkcs11-token.ts";

export interface Pkcs11Options {
  /** Path of the module's shared library. */
  readonly library: string;
  /** Label of the token. */
  readonly token: string;
  readonly pin: string;
  /** Label of the keys. Default "attestry-vault". */
  readonly label?: string | undefined;
  /** Folder of the package pkcs11js, when it is not installed beside the server. */
  readonly binding?: string | undefined;
}

export interface Pkcs11Keys extends KeyWrapper {
  /** Makes a key in the module, which wraps from now on; gives its id. @throws UNAVAILABLE_KEYS */
  addKey(): Promise<string>;
  /** Gives the session back; whoever uses the keys again opens another. */
  close(): Promise<void>;
}

/**
 * Opens a module. When it has no key with the label yet, it makes the first one. A key that somebody else makes later
 * unwraps at once, and wraps from the next opening on.
 * @throws USAGE (no pkcs11js, or no such library), USAGE_PASSPHRASE (the PIN), UNAVAILABLE_KEYS
 */
export async function openPkcs11(options: Pkcs11Options): Promise<Pkcs11Keys> {
  const library = openLibrary(options.library, options.binding);
  const token = openToken(library, options.token, options.pin);
  const { list, find, make, seal, open } = keyOperations(library, options.label ?? "attestry-vault");
  let id = (await token.use(list)).at(-1) ?? (await token.use(make));

  /** Rejects unless the key opens what it has sealed. */
  async function probe(session: Pkcs11Session, id: string): Promise<void> {
    const key = find(session, id);
    await open(session, key, await seal(session, key, new Uint8Array(dataKeyLength), ""), "");
  }

  /**
   * Of a wrong tag modules give different return values, some that of any failure (SoftHSM: CKR_GENERAL_ERROR). So it
   * is damage when the same refusal comes before and after a proof that the key works; anything else is a module that
   * cannot be reached.
   */
  async function unwrapBody(id: string, body: Uint8Array, context: string): Promise<Uint8Array> {
    const attempt = () => token.use((session) => open(session, find(session, id), body, context));
    try {
      return await attempt();
    } catch (error) {
      const reason = refusal(error);
      if (reason === undefined) throw error;
      await token.use((session) => probe(session, id));
      return await attempt().catch((again: unknown) => {
        throw refusal(again) === reason ? damagedWrapping() : again;
      });
    }
  }

  return {
    get id() {
      return id;
    },
    async wrap(dataKey, context) {
      checkDataKey(dataKey);
      const wrapId = id;
      const body = await token.use((session) => seal(session, find(session, wrapId), dataKey, context));
      return encodeWrapped({ id: wrapId, body });
    },
    async unwrap(wrapped, context) {
      const { id, body } = parseWrapped(wrapped);
      if (!/^pkcs11:([0-9a-f]{2}){1,64}$/.test(id)) throw missingKey(id);
      if (body.length !== bodyLength) throw damagedWrapping();
      return unwrapBody(id, body, context);
    },
    async addKey() {
      id = await token.use(make);
      return id;
    },
    close: () => token.close(),
  };
}

/** What the module answered instead of doing it. */
function refusal(error: unknown): unknown {
  return isAttestryError(error) ? error.data["reason"] : undefined;
}
