/** The AES keys of a PKCS#11 token that have one label (OASIS, PKCS#11 v2.40): finding, making and using them. */
import { randomBytes } from "node:crypto";
import { AttestryError, concatBytes, encodeHex } from "@attestry/core";
import { dataKeyLength } from "../format/stream.ts";
import { encodeContext, missingKey } from "./key-wrapper.ts";
import type { Attribute, Handle, Mechanism, Pkcs11Library } from "./pkcs11-binding.ts";
import type { Pkcs11Session } from "./pkcs11-token.ts";

const kind = "pkcs11:";

const nonceLength = 12;
const tagLength = 16;
/** Bytes of a data key that was wrapped. */
export const bodyLength: number = nonceLength + dataKeyLength + tagLength;

/**
 * What is done with keys in a session. Throws errors of the module as they are, and missing keys as UNAVAILABLE_KEYS.
 */
export interface KeyOperations {
  /** Ids of the keys, the one that wraps last. */
  list(session: Pkcs11Session): Promise<string[]>;
  find(session: Pkcs11Session, id: string): Handle;
  /** Makes a key that cannot be read out; its id begins with the time, so it is greater than those before. */
  make(session: Pkcs11Session): Promise<string>;
  /** `nonce ‖ ciphertext ‖ tag` */
  seal(session: Pkcs11Session, key: Handle, dataKey: Uint8Array, context: string): Promise<Uint8Array>;
  open(session: Pkcs11Session, key: Handle, body: Uint8Array, context: string): Promise<Uint8Array>;
}

/** @param label of the keys */
export function keyOperations({ cryptoki, constants: ck }: Pkcs11Library, label: string): KeyOperations {
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
