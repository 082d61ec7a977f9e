/**
 * The port to what keeps the vault's key-encryption keys: it wraps the data key of each object. A wrapped key names the
 * key that it needs, so that old ones open after a rotation and after a move to another keeper. Layouts:
 * docs/format/vault.md.
 */
import { AttestryError, decodeCbor, encodeCbor, encodeUtf8 } from "@attestry/core";
import { dataKeyLength } from "../format/stream.ts";

/** Drivers: `openKeyring` (a file), `openPkcs11` (a hardware module), Azure Key Vault. Each passes `testKeyWrapper`. */
export interface KeyWrapper {
  /**
   * Names the key-encryption key that wraps now: kind, ":", name of the key ("local:5f0c…"). It changes when a new key
   * takes over; what was wrapped under another id is to be wrapped again.
   */
  readonly id: string;
  /**
   * Wraps 32 bytes for the object that `context` names. Of the result, `wrapperIdOf` is `id`.
   * @throws UNAVAILABLE_KEYS
   */
  wrap(dataKey: Uint8Array, context: string): Promise<Uint8Array>;
  /**
   * What was wrapped for the same context, by the newest key or an older one.
   * @throws FATAL_CORRUPT when it was changed or is of another context, UNAVAILABLE_KEYS when the key is not to be had
   */
  unwrap(wrapped: Uint8Array, context: string): Promise<Uint8Array>;
}

/** A wrapped key, taken apart. */
export interface WrappedKey {
  /** The key-encryption key, as `KeyWrapper.id` named it. */
  readonly id: string;
  /** What that key made of the data key; its form is the driver's. */
  readonly body: Uint8Array;
}

/** Deterministic CBOR: `[id, body]`. */
export function encodeWrapped({ id, body }: WrappedKey): Uint8Array {
  return encodeCbor([id, body]);
}

/** @throws FATAL_CORRUPT when the bytes are not a wrapped key */
export function parseWrapped(wrapped: Uint8Array): WrappedKey {
  const [id, body, ...more] = decodeArray(wrapped);
  if (typeof id !== "string" || !(body instanceof Uint8Array) || more.length > 0) throw damagedWrapping();
  return { id, body };
}

/** The id of the key that wrapped these bytes. @throws FATAL_CORRUPT when they are not a wrapped key */
export function wrapperIdOf(wrapped: Uint8Array): string {
  return parseWrapped(wrapped).id;
}

/** What a driver authenticates along with the data key: the UTF-8 of "attestry/vault-key ", then the object's id. */
export function encodeContext(context: string): Uint8Array {
  return encodeUtf8(`attestry/vault-key ${context}`);
}

/** What is to be wrapped, when it is 32 bytes. @throws FATAL_INTERNAL */
export function checkDataKey(dataKey: Uint8Array): Uint8Array {
  if (dataKey.length !== dataKeyLength) throw new AttestryError("FATAL_INTERNAL", "A data key has 32 bytes.");
  return dataKey;
}

/** What every driver throws for a wrapped key that does not open. It says nothing of why. */
export function damagedWrapping(): AttestryError {
  return new AttestryError(
    "FATAL_CORRUPT",
    "The wrapped key is not as it was stored, or is of another object. Restore the catalogue from a backup.",
  );
}

/** What every driver throws for a key that it does not hold. */
export function missingKey(id: string): AttestryError {
  return new AttestryError(
    "UNAVAILABLE_KEYS",
    `The key ${id}, which wrapped this object's key, is not here. Restore it from a backup.`,
    { data: { key: id } },
  );
}

/**
 * Wraps with the first, unwraps with whichever made it: to move from one keeper of keys to another, then re-wrap.
 * @throws as its parts
 */
export function combineWrappers(current: KeyWrapper, ...older: readonly KeyWrapper[]): KeyWrapper {
  const all = [current, ...older];
  return {
    get id() {
      return current.id;
    },
    wrap: (dataKey, context) => current.wrap(dataKey, context),
    async unwrap(wrapped, context): Promise<Uint8Array> {
      const { id } = parseWrapped(wrapped);
      const wrapper = all.find((candidate) => kindOf(candidate.id) === kindOf(id));
      if (wrapper === undefined) throw missingKey(id);
      return wrapper.unwrap(wrapped, context);
    },
  };
}

function kindOf(id: string): string {
  return id.slice(0, id.indexOf(":") + 1);
}

function decodeArray(wrapped: Uint8Array): readonly unknown[] {
  try {
    const value = decodeCbor(wrapped);
    if (Array.isArray(value)) return value;
  } catch {
    // said below, in the words of what was read
  }
  throw damagedWrapping();
}
