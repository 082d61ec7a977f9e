/**
 * What an entry is found by: 8-byte keys for its file's hash, issuer, subject and the entry that it relates to. They are short,
 * so whoever finds an entry by one reads it and sees whether it is meant.
 */
import { concatBytes, encodeUtf8, type StatementClaims, sha256 } from "@attestry/core";
import { keyLength } from "./log/store.ts";

/** Every key of an entry, one after the other. The order is fixed: the audit derives them again. */
export function lookUpKeys(claims: StatementClaims): Uint8Array {
  const keys = [digestKey(claims.digest), issuerKey(claims.issuer), subjectKey(claims.subject)];
  if (claims.relation !== undefined) {
    const { target } = claims.relation;
    keys.push(targetKey(target), targetByKey(target, claims.issuer));
  }
  return concatBytes(...keys);
}

/** A hash is as good as random already. */
export function digestKey(digest: Uint8Array): Uint8Array {
  return digest.subarray(0, keyLength);
}

export function targetKey(target: Uint8Array): Uint8Array {
  return hashedKey(2, target);
}

/** Finds what one issuer says of an entry, however much others say of it. */
export function targetByKey(target: Uint8Array, issuer: string): Uint8Array {
  return hashedKey(3, concatBytes(target, encodeUtf8(issuer)));
}

export function subjectKey(subject: string): Uint8Array {
  return hashedKey(1, encodeUtf8(subject));
}

const issuerKeys = new Map<string, Uint8Array>();

/** Remembered, since a notary has few issuers and many statements of each. */
export function issuerKey(issuer: string): Uint8Array {
  let key = issuerKeys.get(issuer);
  if (key === undefined) {
    key = hashedKey(0, encodeUtf8(issuer));
    if (issuerKeys.size >= 1000) issuerKeys.clear();
    issuerKeys.set(issuer, key);
  }
  return key;
}

function hashedKey(field: number, value: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(field), value)).subarray(0, keyLength);
}
