/** For tests: what anybody can make of a statement that an ECDSA key signed. */
import { encodeSign1, parseSign1, parseStatement } from "../src/index.ts";

const orders = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
} as const;

/** The same statement with the other signature that holds: (r, n − s). */
export function mirror(statement: Uint8Array): Uint8Array {
  const { algorithm } = parseStatement(statement);
  if (algorithm === "EdDSA") throw new Error("Ed25519 has one signature.");
  const parts = parseSign1(statement);
  const half = parts.signature.length / 2;
  const s = orders[algorithm] - BigInt(`0x${parts.signature.subarray(half).toHex()}`);
  const signature = new Uint8Array(parts.signature);
  signature.set(Uint8Array.fromHex(s.toString(16).padStart(2 * half, "0")), half);
  return encodeSign1({ ...parts, signature });
}
