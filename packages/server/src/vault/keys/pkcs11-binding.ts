/**
 * What we use of the package `pkcs11js`, a binding of PKCS#11 v2.40 (OASIS, 2015). It compiles when it is installed, so
 * it is no dependency of ours: whoever has a hardware module installs it, and it is loaded when it is asked for.
 */
import { createRequire } from "node:module";
import { AttestryError } from "@attestry/core";

/** Of a session, a slot or an object. */
export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value?: Buffer | string | number | boolean;
}

export interface Mechanism {
  readonly mechanism: number;
  readonly parameter: unknown;
}

/** PKCS#11 v2.40 §5. Methods throw errors whose message is the name of the return value ("CKR_PIN_INCORRECT"). */
export interface Cryptoki {
  load(library: string): void;
  C_Initialize(options: { readonly flags: number }): void;
  C_GetSlotList(withToken: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): { readonly label: string };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, user: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): { readonly value: Buffer }[];
  C_GenerateKeyAsync(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Promise<Handle>;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_EncryptAsync(session: Handle, data: Buffer, into: Buffer): Promise<Buffer>;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_DecryptAsync(session: Handle, data: Buffer, into: Buffer): Promise<Buffer>;
}

type Constant =
  | `CKA_${"CLASS" | "KEY_TYPE" | "LABEL" | "ID" | "VALUE_LEN" | "TOKEN" | "PRIVATE" | "SENSITIVE" | "EXTRACTABLE"}`
  | `CKA_${"ENCRYPT" | "DECRYPT" | "WRAP" | "UNWRAP"}`
  | `CKF_${"OS_LOCKING_OK" | "SERIAL_SESSION" | "RW_SESSION"}`
  | `CKM_${"AES_KEY_GEN" | "AES_GCM"}`
  | "CKK_AES"
  | "CKO_SECRET_KEY"
  | "CKU_USER"
  | "CK_PARAMS_AES_GCM";

export interface Pkcs11Library {
  readonly cryptoki: Cryptoki;
  readonly constants: Readonly<Record<Constant, number>>;
}

type Binding = Readonly<Record<Constant, number>> & { readonly PKCS11: new () => Cryptoki };

// A library is initialized once in a process (PKCS#11 §5.4) and stays loaded: others may be using it.
const libraries = new Map<string, Pkcs11Library>();

/**
 * Loads a module's library.
 * @param path of the shared library, as its maker names it
 * @param binding name or folder of the package pkcs11js
 * @throws USAGE when the package is not installed or the library cannot be loaded
 */
export function openLibrary(path: string, binding = "pkcs11js"): Pkcs11Library {
  const known = libraries.get(path);
  if (known !== undefined) return known;
  const constants = loadBinding(binding);
  const cryptoki = new constants.PKCS11();
  try {
    cryptoki.load(path);
  } catch (cause) {
    throw new AttestryError("USAGE", `${path} cannot be loaded as a PKCS#11 library.`, { cause });
  }
  const library = { cryptoki, constants };
  libraries.set(path, library);
  return library;
}

/** The name of a return value other than CKR_OK, as PKCS#11 has it; undefined for other errors. */
export function returnValue(error: unknown): string | undefined {
  return error instanceof Error ? /^CKR_\w+$/.exec(error.message)?.[0] : undefined;
}

function loadBinding(binding: string): Binding {
  try {
    return createRequire(import.meta.url)(binding) as Binding;
  } catch (cause) {
    throw new AttestryError(
      "USAGE",
      "Hardware modules need the package pkcs11js beside the server: npm install pkcs11js (it needs a C++ compiler).",
      { cause },
    );
  }
}
