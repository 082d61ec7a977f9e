/** `kccs` (RFC 9528 §3.5.3): a raw public key beside what it signed, as the CWT claim `cnf` (RFC 8747 §3.2) around a COSE_Key. */
import { asMap, type CborMap, type CborValue } from "../cose/cbor.ts";
import { coseKeyFromMap, coseKeyToMap } from "../cose/key.ts";
import type { PublicKey } from "../crypto/index.ts";
import type { ErrorCode } from "../errors.ts";
import { claim } from "./labels.ts";

const coseKey = 1;

const made = new WeakMap<PublicKey, CborMap>();

/** Not to be written to: the same key gives the same map. */
export function encodeKccs(key: PublicKey): CborMap {
  const known = made.get(key);
  if (known !== undefined) return known;
  const confirmation: CborMap = new Map([[coseKey, coseKeyToMap(key)]]);
  const kccs: CborMap = new Map([[claim.cnf, confirmation]]);
  made.set(key, kccs);
  return kccs;
}

/** @throws MALFORMED_KEY, or the given code for what does not lead to a key */
export function parseKccs(kccs: CborValue, code: ErrorCode): PublicKey {
  const confirmation = asMap(asMap(kccs, "The kccs", code).get(claim.cnf), "The kccs's cnf", code);
  return coseKeyFromMap(asMap(confirmation.get(coseKey), "The kccs's key", code));
}
