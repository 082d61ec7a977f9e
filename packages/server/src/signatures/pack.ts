/** What goes to a thread and comes back: one CBOR item for many statements, whose buffer is moved and not copied. */
import {
  AttestryError,
  type CborValue,
  decodeCbor,
  type ErrorCode,
  encodeCbor,
  encodeHex,
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
  const signers = new Map<string, Signer>();
  const rows = checked.map((one): CborValue => {
    if ("error" in one) return [one.error.code, one.error.message];
    const { entry, leafHash, issuedAt, keys, issuer, algorithm, key, isSigned = null } = one;
    const id = `${algorithm} ${key.kind} ${encodeHex(key.thumbprint)} ${issuer}`;
    const signer = signers.get(id) ?? { place: signers.size, issuer, algorithm, key };
    signers.set(id, signer);
    return [entry, leafHash, issuedAt, keys, signer.place, isSigned];
  });
  const named = [...signers.values()].map(({ issuer, algorithm, key }): CborValue => {
    return [issuer, algorithm, key.kind, key.thumbprint];
  });
  return encode([named, rows]);
}

/** What has bytes in the result has views of `message`. */
export function unpackChecked(message: Uint8Array): Checked[] {
  const [named, rows] = decodeCbor(message) as [NamedFields[], (Refusal | Fields)[]];
  const signers = named.map(([issuer, algorithm, kind, thumbprint]) => ({
    issuer,
    algorithm,
    key: { kind, thumbprint },
  }));
  return rows.map((row): Checked => {
    if (row.length === 2) return { error: new AttestryError(row[0], row[1]) };
    const [entry, leafHash, issuedAt, keys, place, isSigned] = row;
    const { issuer, algorithm, key } = signers[place] as Omit<Signer, "place">;
    return { entry, leafHash, issuedAt, keys, issuer, algorithm, key, isSigned: isSigned ?? undefined };
  });
}

/** Whose statements are in a message: written once, since they are mostly few. */
interface Signer extends Pick<Statement, "issuer" | "algorithm" | "key"> {
  readonly place: number;
}

type NamedFields = [
  issuer: string,
  algorithm: Statement["algorithm"],
  kind: Statement["key"]["kind"],
  thumbprint: Uint8Array,
];
type Refusal = [code: ErrorCode, message: string];
type Fields = [
  entry: Uint8Array,
  leafHash: Uint8Array,
  issuedAt: number,
  keys: Uint8Array,
  signer: number,
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
