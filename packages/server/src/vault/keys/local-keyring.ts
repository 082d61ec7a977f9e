/**
 * The `KeyWrapper` whose key-encryption keys are in a file under a passphrase. The newest key wraps and all unwrap, so
 * a rotation is: `addKey`, wrap every data key again, `retire`. AES-256-GCM with random nonces (NIST SP 800-38D
 * §8.2.2), good for 2^32 wrappings under a key (§8.3).
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { AttestryError, concatBytes } from "@attestry/core";
import { readPrivateFile, replacePrivateFile, writePrivateFile } from "../../keys/private-file.ts";
import {
  checkDataKey,
  damagedWrapping,
  encodeContext,
  encodeWrapped,
  type KeyWrapper,
  missingKey,
  parseWrapped,
} from "./key-wrapper.ts";
import {
  type KeyName,
  keyLength,
  type Lock,
  newLock,
  openSeal,
  parseKeyring,
  sealKeyring,
  unlock,
} from "./keyring-file.ts";

/**
 * Changes are durable when they resolve; when they reject, nothing has changed here. One process at a time may make
 * them.
 */
export interface Keyring extends KeyWrapper {
  /** The oldest first; the last one wraps. */
  readonly keys: readonly KeyName[];
  /**
   * Makes a new key, which wraps from now on.
   * @throws CONFLICT_FILE_CHANGED when another process changed the file since it was opened, UNAVAILABLE_STORAGE,
   *   USAGE_FILE
   */
  addKey(): Promise<KeyName>;
  /**
   * Forgets each key that `inUse` does not name, but never the newest, and gives their names. What they wrapped does
   * not open again, so `inUse` must be the ids of all wrapped keys that are kept.
   * @throws as `addKey`
   */
  retire(inUse: ReadonlySet<string>): Promise<readonly KeyName[]>;
  /**
   * Seals the same keys under another passphrase. Copies of the old file still open with the old one: after a theft,
   * make a new key too.
   * @throws as `addKey`, and USAGE_PASSPHRASE when it is empty
   */
  changePassphrase(passphrase: string): Promise<void>;
}

interface Key extends KeyName {
  readonly secret: KeyObject;
}

/** A keyring as it is in memory, and the text that the file is known to have. */
interface State {
  readonly keys: readonly Key[];
  readonly lock: Lock;
  readonly lockKey: KeyObject;
  readonly text: string;
}

/**
 * Makes a keyring with one key, in a file that must not exist.
 * @throws CONFLICT_EXISTS, USAGE_PASSPHRASE (empty), UNAVAILABLE_STORAGE, USAGE_FILE
 */
export async function createKeyring(path: string, passphrase: string): Promise<Keyring> {
  const lock = newLock();
  const state = sealState([newKey()], lock, await unlock(lock, passphrase));
  await writePrivateFile(path, state.text);
  return keyringOf(path, state);
}

/**
 * Opens a keyring.
 * @throws NOT_FOUND, USAGE_PASSPHRASE (wrong), FATAL_CORRUPT (damaged), FATAL_VERSION, USAGE_FILE (others can read it)
 */
export async function openKeyring(path: string, passphrase: string): Promise<Keyring> {
  const text = await readPrivateFile(path);
  const file = parseKeyring(text, path);
  const lockKey = await unlock(file.lock, passphrase);
  const bytes = openSeal(file, lockKey);
  const keys = file.names.map((name, at) => ({
    ...name,
    secret: createSecretKey(bytes.subarray(at * keyLength, (at + 1) * keyLength)),
  }));
  bytes.fill(0);
  return keyringOf(path, { keys, lock: file.lock, lockKey, text });
}

function newKey(): Key {
  const created = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return { id: `local:${randomBytes(8).toString("hex")}`, created, secret: createSecretKey(randomBytes(keyLength)) };
}

function sealState(keys: readonly Key[], lock: Lock, lockKey: KeyObject): State {
  const bytes = concatBytes(...keys.map(({ secret }) => secret.export()));
  const text = sealKeyring(keys, bytes, lock, lockKey);
  bytes.fill(0);
  return { keys, lock, lockKey, text };
}

function keyringOf(path: string, opened: State): Keyring {
  let state = opened;
  let changes: Promise<unknown> = Promise.resolve();
  const newest = () => state.keys.at(-1) as Key;

  /** One change after the other, each from where the one before left the keyring. */
  function change<T>(next: (before: State) => Promise<readonly [State, T]>): Promise<T> {
    const done = changes.then(async () => {
      const [after, result] = await next(state);
      await replace(path, state.text, after.text);
      state = after;
      return result;
    });
    changes = done.catch(() => {});
    return done;
  }

  return {
    get id() {
      return newest().id;
    },
    get keys() {
      return state.keys.map(({ id, created }) => ({ id, created }));
    },
    wrap: async (dataKey, context) => seal(newest(), checkDataKey(dataKey), context),
    async unwrap(wrapped, context) {
      const { id, body } = parseWrapped(wrapped);
      const key = state.keys.find((one) => one.id === id);
      if (key === undefined) throw missingKey(id);
      return open(key, body, context);
    },
    addKey: () =>
      change(async ({ keys, lock, lockKey }) => {
        const key = newKey();
        return [sealState([...keys, key], lock, lockKey), { id: key.id, created: key.created }];
      }),
    retire: (inUse) =>
      change(async (before) => {
        const kept = before.keys.filter((key) => key === newest() || inUse.has(key.id));
        const gone = before.keys.filter((key) => !kept.includes(key)).map(({ id, created }) => ({ id, created }));
        return [sealState(kept, before.lock, before.lockKey), gone];
      }),
    changePassphrase: (passphrase) =>
      change(async ({ keys }) => {
        const lock = newLock();
        return [sealState(keys, lock, await unlock(lock, passphrase)), undefined];
      }),
  };
}

async function replace(path: string, before: string, after: string): Promise<void> {
  if ((await readPrivateFile(path)) !== before) {
    throw new AttestryError("CONFLICT_FILE_CHANGED", `${path} was changed by another process. Start again to read it.`);
  }
  await replacePrivateFile(path, after);
}

function seal({ id, secret }: Key, dataKey: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(encodeContext(context));
  return encodeWrapped({ id, body: concatBytes(nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()) });
}

function open({ secret }: Key, body: Uint8Array, context: string): Uint8Array {
  if (body.length !== 12 + keyLength + 16) throw damagedWrapping();
  const nonce = body.subarray(0, 12);
  const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: 16 }).setAAD(encodeContext(context));
  decipher.setAuthTag(body.subarray(-16));
  const dataKey = decipher.update(body.subarray(12, -16));
  try {
    decipher.final();
  } catch {
    throw damagedWrapping();
  }
  return new Uint8Array(dataKey);
}
