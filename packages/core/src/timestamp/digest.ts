/** The digests that time stamps are made over and with (RFC 5754 §2). What is broken is refused by name. */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha384, sha512 } from "@noble/hashes/sha2.js";
import { sha256 } from "../crypto/index.ts";
import { type DerReader, tag } from "../x509/der.ts";
import { derNull, derOid, derSequence } from "./der-writer.ts";
import { fault } from "./fault.ts";

export type DigestName = "SHA-256" | "SHA-384" | "SHA-512";

/** What a time stamp is of: the digest of the data, never the data. */
export interface Imprint {
  readonly algorithm: DigestName;
  readonly digest: Uint8Array;
}

const identifiers: Readonly<Record<DigestName, string>> = {
  "SHA-256": "2.16.840.1.101.3.4.2.1",
  "SHA-384": "2.16.840.1.101.3.4.2.2",
  "SHA-512": "2.16.840.1.101.3.4.2.3",
};
const names = new Map(Object.entries(identifiers).map(([name, id]) => [id, name as DigestName]));
const broken = new Set(["1.3.14.3.2.26", "1.2.840.113549.2.5", "1.2.840.113549.2.2"]); // SHA-1, MD5, MD2

export const digestLength: Readonly<Record<DigestName, number>> = { "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };

/** SHA-1 is here for ESSCertID alone, which has no choice. */
export function digestOf(name: DigestName | "SHA-1", data: Uint8Array): Uint8Array {
  if (name === "SHA-256") return sha256(data);
  return (name === "SHA-384" ? sha384 : name === "SHA-512" ? sha512 : sha1)(data);
}

/** Reads an AlgorithmIdentifier as `readDigestAlgorithm` does, and throws what `digestNamed` throws. */
export function parseDigestAlgorithm(reader: DerReader): DigestName {
  return digestNamed(readDigestAlgorithm(reader));
}

/** The object identifier of an AlgorithmIdentifier whose parameters may be NULL or absent (RFC 5754 §2). */
export function readDigestAlgorithm(outer: DerReader): string {
  const reader = outer.inside();
  const id = reader.oid();
  reader.optional(tag.null);
  reader.end();
  return id;
}

/** @throws VERIFY_TIME_STAMP weak_algorithm or unsupported_algorithm */
export function digestNamed(id: string): DigestName {
  const name = names.get(id);
  if (broken.has(id)) throw fault("weak_algorithm", "It uses SHA-1 or MD5, which are broken.");
  if (name === undefined) throw fault("unsupported_algorithm", `It uses the unknown digest algorithm ${id}.`);
  return name;
}

/** Parameters are written as NULL, which every authority understands. */
export function encodeDigestAlgorithm(name: DigestName): Uint8Array {
  return derSequence(derOid(identifiers[name]), derNull);
}
