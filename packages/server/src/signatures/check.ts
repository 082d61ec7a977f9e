/**
 * All of admission that takes nothing but a statement's bytes and its issuer's key: reading it, hashing it, checking its signature.
 * It is most of the work, so it can be done on any thread; who may register what is asked of its result.
 */
import { encodeHex, leafHash, type PublicKey, parseStatement, type Statement, verifySignature } from "@attestry/core";
import type { AdmittedEntry } from "../log/store.ts";
import { lookUpKeys } from "../look-up.ts";

/** A well-formed statement. */
export interface CheckedStatement extends AdmittedEntry, Pick<Statement, "issuer" | "algorithm" | "key"> {
  /** Whether the key that it names signed it; undefined when that key is not known here, or is of another algorithm. */
  readonly isSigned: boolean | undefined;
}

/** Public keys by the thumbprint that statements name them by, which belongs to one key for ever. */
export interface KnownKeys {
  get(thumbprint: Uint8Array): PublicKey | undefined;
  add(thumbprint: Uint8Array, key: PublicKey): void;
  list(): readonly (readonly [thumbprint: Uint8Array, key: PublicKey])[];
}

const maxKnown = 10_000;

/** Forgets the oldest when there are too many. */
export function createKnownKeys(): KnownKeys {
  const known = new Map<string, readonly [Uint8Array, PublicKey]>();
  return {
    get: (thumbprint) => known.get(encodeHex(thumbprint))?.[1],
    add(thumbprint: Uint8Array, key: PublicKey): void {
      known.set(encodeHex(thumbprint), [Uint8Array.from(thumbprint), key]);
      if (known.size > maxKnown) known.delete(known.keys().next().value as string);
    },
    list: () => [...known.values()],
  };
}

/** @throws as `parseStatement` */
export async function checkStatement(bytes: Uint8Array, known: KnownKeys): Promise<CheckedStatement> {
  const statement = parseStatement(bytes);
  const { entry, issuedAt, issuer, algorithm, key } = statement;
  const publicKey = known.get(key.thumbprint);
  // RFC 9053 §2: the algorithm is the key's, and never merely what the header says.
  const isKey = publicKey?.algorithm === algorithm;
  const isSigned = isKey ? await verifySignature(publicKey, statement.toBeSigned, statement.signature) : undefined;
  return { entry, leafHash: leafHash(entry), issuedAt, keys: lookUpKeys(statement), issuer, algorithm, key, isSigned };
}
