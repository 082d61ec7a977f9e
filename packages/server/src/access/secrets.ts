/** Random secrets that are shown once and kept as their hash alone: API tokens, session ids, one-time codes. */
import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";

/** 32 random bytes as base64url: 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** What is kept of a secret: SHA-256, in hexadecimal. Secrets of 256 random bits need no slower hash. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "hex");
}

/** Whether what is given is the secret, in a time that does not tell how much of it is. Keeps the secret's hash alone. */
export function matcherOf(secret: string): (given: string) => boolean {
  const expected = hash("sha256", secret, "buffer");
  return (given) => timingSafeEqual(hash("sha256", given, "buffer"), expected);
}

/** Another secret out of one, for the purpose; the first cannot be found from it. */
export function deriveSecret(secret: string, purpose: string): string {
  return createHmac("sha256", secret).update(purpose).digest("base64url");
}
