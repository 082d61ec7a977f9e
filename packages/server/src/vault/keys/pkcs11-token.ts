/**
 * A token of a PKCS#11 module (OASIS, v2.40 §5.5 and §5.6), logged in. A session does one thing at a time, so those who
 * use it take turns; after an error it may be in the middle of something, so the next one gets a new session.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import { type Handle, type Pkcs11Library, returnValue } from "./pkcs11-binding.ts";

export interface Pkcs11Session {
  readonly handle: Handle;
  /** Handles of keys that were found, by id. */
  readonly keys: Map<string, Handle>;
}

export interface Pkcs11Token {
  /**
   * Runs something that is safe to run twice: when it fails, once more in a new session.
   * @throws UNAVAILABLE_KEYS, USAGE_PASSPHRASE (the PIN), and what `act` throws of ours
   */
  use<T>(act: (session: Pkcs11Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @param label of the token */
export function openToken({ cryptoki, constants }: Pkcs11Library, label: string, pin: string): Pkcs11Token {
  let session: Pkcs11Session | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let refused: AttestryError | undefined;

  function findSlot(): Handle {
    const slots = cryptoki.C_GetSlotList(true);
    const slot = slots.find((one) => cryptoki.C_GetTokenInfo(one).label.trimEnd() === label);
    if (slot !== undefined) return slot;
    throw new AttestryError("UNAVAILABLE_KEYS", `No slot of the hardware module has a token called "${label}".`);
  }

  function logIn(): Pkcs11Session {
    if (refused !== undefined) throw refused;
    unless("CKR_CRYPTOKI_ALREADY_INITIALIZED", () => cryptoki.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK }));
    const handle = cryptoki.C_OpenSession(findSlot(), constants.CKF_SERIAL_SESSION | constants.CKF_RW_SESSION);
    try {
      unless("CKR_USER_ALREADY_LOGGED_IN", () => cryptoki.C_Login(handle, constants.CKU_USER, pin));
    } catch (error) {
      closeSession(handle);
      if (!returnValue(error)?.startsWith("CKR_PIN_")) throw error;
      // Kept, because tokens lock themselves after a few wrong PINs.
      refused = new AttestryError(
        "USAGE_PASSPHRASE",
        `The token "${label}" does not take the PIN (${returnValue(error)}).`,
      );
      throw refused;
    }
    return { handle, keys: new Map() };
  }

  function closeSession(handle: Handle): void {
    try {
      cryptoki.C_CloseSession(handle);
    } catch {
      // it is gone already
    }
  }

  function drop(): void {
    if (session !== undefined) closeSession(session.handle);
    session = undefined;
  }

  async function attempt<T>(act: (session: Pkcs11Session) => Promise<T>): Promise<T> {
    try {
      session ??= logIn();
      return await act(session);
    } catch (error) {
      if (!isAttestryError(error)) drop();
      throw error;
    }
  }

  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = turn.then(act);
    turn = done.catch(() => {});
    return done;
  }

  return {
    use: (act) =>
      inTurn(() =>
        attempt(act)
          .catch((error: unknown) => {
            if (isAttestryError(error)) throw error;
            return attempt(act);
          })
          .catch((error: unknown) => {
            throw isAttestryError(error) ? error : unavailable(error);
          }),
      ),
    close: () => inTurn(async () => drop()),
  };
}

function unless(expected: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (returnValue(error) !== expected) throw error;
  }
}

function unavailable(cause: unknown): AttestryError {
  const reason = returnValue(cause) ?? "no return value";
  return new AttestryError("UNAVAILABLE_KEYS", `The hardware module does not do what it was asked (${reason}).`, {
    data: { reason },
    cause,
  });
}
