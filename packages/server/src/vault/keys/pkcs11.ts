/**
 * The `KeyWrapper` whose key-encryption keys never leave a hardware module: AES-256 keys behind PKCS#11 (OASIS, v2.40) that wrap
 * by CKM_AES_GCM. They are the secret keys of a token with one label (CKA_LABEL); the one with the greatest CKA_ID, read as a
 * number, wraps, and all unwrap.
 */
import { randomBytes } from "node:crypto";
import { AttestryError, concatBytes, encodeHex, isAttestryError } from "@attestry/core";
import { dataKeyLength } from "../format/stream.ts";
import {
  checkDataKey,
  damagedWrapping,
  encodeContext,
  encodeWrapped,
  type KeyWrapper,
  missingKey,
  parseWrapped,
} from "./key-wrapper.ts";
import { type Attribute, type Handle, type Mechanism, openLibrary, type Pkcs11Library } from "./pkcs11-binding.ts";
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
  close(): Promise<void>;
}

const kind = "pkcs11:";
const nonceLength = 12;
const tagLength = 16;
const bodyLength = nonceLength + dataKeyLength + tagLength;

/**
 * Opens a module. When it has no key with the label yet, it makes the first one.
 * @throws USAGE (no pkcs11js, or no such library), USAGE_PASSPHRASE (the PIN), UNAVAILABLE_KEYS
 */
export async function openPkcs11(options: Pkcs11Options): Promise<Pkcs11Keys> {
  const library = openLibrary(options.library, options.binding);
  const token = openToken(library, options.token, options.pin);
  const { list, find, make, seal, open } = operations(library, options.label ?? "attestry-vault");
  let id = (await token.use(list)).at(-1) ?? (await token.use(make));

  /** Whether the key does its work: of a wrong tag modules give different return values, and some the one of any failure. */
  async function probe(session: Pkcs11Session, id: string): Promise<void> {
    const key = find(session, id);
    await open(session, key, await seal(session, key, new Uint8Array(dataKeyLength), ""), "");
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
      try {
        return await token.use((session) => open(session, find(session, id), body, context));
      } catch (error) {
        if (!isAttestryError(error) || error.data["reason"] === undefined) throw error;
        await token.use((session) => probe(session, id));
        throw damagedWrapping();
      }
    },
    async addKey() {
      id = await token.use(make);
      return id;
    },
    close: () => token.close(),
  };
}

/** What is done in a session. None of it leaves the session in the middle of something but by throwing an error of the module. */
function operations({ cryptoki, constants: ck }: Pkcs11Library, label: string) {
  const attributes = (values: readonly (readonly [number, Attribute["value"] & {}])[]): Attribute[] =>
    values.map(([type, value]) => ({ type, value }));
  const ours = [
    [ck.CKA_CLASS, ck.CKO_SECRET_KEY],
    [ck.CKA_KEY_TYPE, ck.CKK_AES],
    [ck.CKA_TOKEN, true],
    [ck.CKA_LABEL, label],
  ] as const;

  function search(session: Pkcs11Session, template: readonly Attribute[]): Handle[] {
    cryptoki.C_FindObjectsInit(session.handle, template);
    const found = cryptoki.C_FindObjects(session.handle, 1000);
    cryptoki.C_FindObjectsFinal(session.handle);
    return found;
  }

  /** Ids of the keys, the one that wraps last. */
  async function list(session: Pkcs11Session): Promise<string[]> {
    const ids = search(session, attributes(ours)).map((key) => {
      const [attribute] = cryptoki.C_GetAttributeValue(session.handle, key, [{ type: ck.CKA_ID }]);
      return encodeHex(attribute?.value ?? new Uint8Array());
    });
    const numbers = ids.filter((id) => id !== "").sort((a, b) => (BigInt(`0x${a}`) < BigInt(`0x${b}`) ? -1 : 1));
    return numbers.map((id) => kind + id);
  }

  function find(session: Pkcs11Session, id: string): Handle {
    const known = session.keys.get(id);
    if (known !== undefined) return known;
    const number = Buffer.from(id.slice(kind.length), "hex");
    const [key, ...more] = search(session, attributes([...ours, [ck.CKA_ID, number]]));
    if (key === undefined) throw missingKey(id);
    if (more.length > 0) throw new AttestryError("UNAVAILABLE_KEYS", `The module has several keys called ${id}.`);
    session.keys.set(id, key);
    return key;
  }

  /** The id begins with the time, so it is greater than those before. */
  async function make(session: Pkcs11Session): Promise<string> {
    const number = Buffer.concat([Buffer.alloc(6), randomBytes(2)]);
    number.writeUIntBE(Date.now(), 0, 6);
    const template = attributes([
      ...ours,
      [ck.CKA_ID, number],
      [ck.CKA_VALUE_LEN, 32],
      [ck.CKA_PRIVATE, true],
      [ck.CKA_SENSITIVE, true],
      [ck.CKA_EXTRACTABLE, false],
      [ck.CKA_ENCRYPT, true],
      [ck.CKA_DECRYPT, true],
      [ck.CKA_WRAP, false],
      [ck.CKA_UNWRAP, false],
    ]);
    await cryptoki.C_GenerateKeyAsync(session.handle, { mechanism: ck.CKM_AES_KEY_GEN, parameter: null }, template);
    return kind + encodeHex(number);
  }

  function gcm(nonce: Uint8Array, context: string): Mechanism {
    const [iv, aad] = [Buffer.from(nonce), Buffer.from(encodeContext(context))];
    const parameter = { type: ck.CK_PARAMS_AES_GCM, iv, aad, ivBits: nonceLength * 8, tagBits: tagLength * 8 };
    return { mechanism: ck.CKM_AES_GCM, parameter };
  }

  async function seal(session: Pkcs11Session, key: Handle, dataKey: Uint8Array, context: string): Promise<Uint8Array> {
    const nonce = randomBytes(nonceLength);
    cryptoki.C_EncryptInit(session.handle, gcm(nonce, context), key);
    const into = Buffer.alloc(dataKeyLength + tagLength);
    return concatBytes(nonce, await cryptoki.C_EncryptAsync(session.handle, Buffer.from(dataKey), into));
  }

  async function open(session: Pkcs11Session, key: Handle, body: Uint8Array, context: string): Promise<Uint8Array> {
    cryptoki.C_DecryptInit(session.handle, gcm(body.subarray(0, nonceLength), context), key);
    const into = Buffer.alloc(bodyLength);
    return new Uint8Array(await cryptoki.C_DecryptAsync(session.handle, Buffer.from(body.subarray(nonceLength)), into));
  }

  return { list, find, make, seal, open };
}
