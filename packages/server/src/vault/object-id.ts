/**
 * Names of stored objects: 16 random bytes as base32 (RFC 4648 §6) in lower case without padding. They tell nothing of the
 * record and are safe in file names, table keys and addresses.
 */
import { randomBytes } from "node:crypto";
import { AttestryError } from "@attestry/core";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** A new name of 26 characters. Never made from anything that a user gave. */
export function newObjectId(): string {
  let bits = BigInt(`0x${randomBytes(16).toString("hex")}`) << 2n; // 128 bits fill 25 characters and 3 bits of the last
  let id = "";
  for (let i = 0; i < 26; i += 1) {
    id = alphabet.charAt(Number(bits & 31n)) + id;
    bits >>= 5n;
  }
  return id;
}

/**
 * The given text, when it is a name that `newObjectId` can have made.
 * @throws MALFORMED_REQUEST
 */
export function parseObjectId(text: string): string {
  // RFC 4648 §3.5: the two bits left over in the last character are zero, so that a name is written in one way only.
  if (!/^[a-z2-7]{25}[aeimquy4]$/.test(text)) {
    throw new AttestryError("MALFORMED_REQUEST", "That is not the name of a stored object.");
  }
  return text;
}
