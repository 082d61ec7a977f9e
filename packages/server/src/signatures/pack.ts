/** What goes to a thread and comes back: one CBOR item for many statements, whose buffer is moved and not copied. */
import {
  AttestryError,
  type CborValue,
  decodeCbor,
  type ErrorCode,
  encodeCbor,
  isAttestryError,
  type PublicKey,
  publicKey,
  type Statement,
} from "@attestry/core";
import type { CheckedStatement } from "./check.ts";

export type LearntKey = readonly [thumbprint: Uint8Array, key: PublicKey];

/** Statements to check, and keys that the thread has not been told yet. */
export interface Work {
  readonly keys: readonly LearntKey[];
  readonly statements: readonly Uint8Array[];
}

/** What became of one statement. */
export type Checked = CheckedStatement | { readonly error: AttestryError };

export function packWork({ keys, statements }: Work): Uint8Array<ArrayBuffer> {
  const learnt = keys.map(([thumbprint, { algorithm, bytes }]): CborValue => [thumbprint, algorithm, bytes]);
  return encode([learnt, [...statements]]);
}

/** The statements in the result are views of `message`. */
export function unpackWork(message: Uint8Array): Work {
  const [keys, statements] = decodeCbor(message) as [[Uint8Array, PublicKey["algorithm"], Uint8Array][], Uint8Array[]];
  return { keys: keys.map(([thumbprint, algorithm, bytes]) => [thumbprint, publicKey(algorithm, bytes)]), statements };
}

export function packChecked(checked: readonly Checked[]): Uint8Array<ArrayBuffer> {
  return encode(
    checked.map((one): CborValue => {
      if ("error" in one) return [one.error.code, one.error.message];
      const { entry, leafHash, issuedAt, keys, issuer, algorithm, key, isSigned = null } = one;
      return [entry, leafHash, issuedAt, [...keys], issuer, algorithm, key.kind, key.thumbprint, isSigned];
    }),
  );
}

/** What has bytes in the result has views of `message`. */
export function unpackChecked(message: Uint8Array): Checked[] {
  return (decodeCbor(message) as (Refusal | Fields)[]).map((one): Checked => {
    if (one.length === 2) return { error: new AttestryError(one[0], one[1]) };
    const [entry, leafHash, issuedAt, keys, issuer, algorithm, kind, thumbprint, isSigned] = one;
    const key = { kind, thumbprint };
    return { entry, leafHash, issuedAt, keys, issuer, algorithm, key, isSigned: isSigned ?? undefined };
  });
}

type Refusal = [code: ErrorCode, message: string];
type Fields = [
  entry: Uint8Array,
  leafHash: Uint8Array,
  issuedAt: number,
  keys: Uint8Array[],
  issuer: string,
  algorithm: Statement["algorithm"],
  kind: Statement["key"]["kind"],
  thumbprint: Uint8Array,
  isSigned: boolean | null,
];

function encode(value: CborValue): Uint8Array<ArrayBuffer> {
  return encodeCbor(value) as Uint8Array<ArrayBuffer>; // a copy of its own, so that it can be moved
}

/** One statement's outcome as a value. @throws what is no refusal */
export async function settle(checking: Promise<CheckedStatement>): Promise<Checked> {
  return checking.catch((error: unknown) => {
    if (isAttestryError(error)) return { error };
    throw error;
  });
}
