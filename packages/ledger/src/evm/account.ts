/**
 * The account that anchors are sent from: a secp256k1 key in a file of 64 hexadecimal digits that only its owner can read. The
 * key leaves this module inside a closure alone, and no error or log shows it.
 */
import { randomBytes } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { AttestryError } from "@attestry/core";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";

/** Signs transactions; shows its `address` and nothing of its key. */
export type EvmAccount = PrivateKeyAccount;

/** @param key 32 bytes. @throws MALFORMED_KEY when it is not a key of the curve */
export function createAccount(key: Uint8Array): EvmAccount {
  try {
    return privateKeyToAccount(`0x${Buffer.from(key).toString("hex")}`);
  } catch {
    throw new AttestryError("MALFORMED_KEY", "The account's key is not a secp256k1 private key of 32 bytes.");
  }
}

/** Makes a new key in a file that must not exist, mode 0600. @throws CONFLICT_EXISTS, USAGE_FILE */
export async function createAccountFile(path: string): Promise<EvmAccount> {
  const key = randomBytes(32); // one in 2^128 is not below the curve's order, and createAccount would refuse it
  const account = createAccount(key);
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${key.toString("hex")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
  return account;
}

/** @throws NOT_FOUND, USAGE_FILE when it cannot be read or when others can read or change it, MALFORMED_KEY */
export async function openAccountFile(path: string): Promise<EvmAccount> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new AttestryError(
        "USAGE_FILE",
        `Others can read or change ${path}. Make it yours alone: chmod 600 ${path}`,
      );
    }
    text = (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw fileError(error, path);
  }
  if (!/^(?:0x)?[0-9a-fA-F]{64}$/.test(text)) {
    throw new AttestryError("MALFORMED_KEY", `${path} does not hold one key of 64 hexadecimal digits.`);
  }
  return createAccount(Uint8Array.fromHex(text.slice(-64)));
}

function fileError(error: unknown, path: string): AttestryError {
  if (error instanceof AttestryError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return new AttestryError("NOT_FOUND", `There is no ${path}.`, { cause: error });
  if (code === "EEXIST") return new AttestryError("CONFLICT_EXISTS", `${path} exists already.`, { cause: error });
  return new AttestryError("USAGE_FILE", `${path} cannot be used (${code ?? "unknown reason"}).`, { cause: error });
}
