/** The header labels and claim keys that statements, receipts and proof files use, in one place. */

/** COSE header labels (IANA "COSE Header Parameters"). */
export const label = {
  alg: 1,
  contentType: 3,
  kid: 4,
  /** CWT Claims Set of a raw public key: carries the issuer's COSE_Key beside the statement (RFC 9528 §3.5.3). */
  kccs: 14,
  /** CWT claims (RFC 9597). */
  cwtClaims: 15,
  x5chain: 33,
  x5t: 34,
  /** Hash envelope (RFC 9995): algorithm of the payload hash, content type of what was hashed, where it can be had. */
  payloadHashAlg: 258,
  preimageContentType: 259,
  payloadLocation: 260,
  /** SCITT receipts (RFC 9942 §2). */
  receipts: 394,
  vds: 395,
  vdp: 396,
  /** What an earlier entry is to this one: [kind, leaf hash, reason]. Attestry's own; see docs/format/README.md. */
  relation: "attestry/relation",
  /** A checkpoint that the issuer had seen when signing: [origin, tree size, root hash]. Attestry's own. */
  after: "attestry/after",
  /** Beside the statement: the signed note of the checkpoint that it quotes. */
  checkpointAfter: "c2sp.org/checkpoint-after",
  /** Beside a receipt: the C2SP checkpoint (signed note) of the same tree, with its cosignatures. */
  checkpoint: "c2sp.org/checkpoint",
  /** Beside a receipt: the log's C2SP verifier keys, for a first contact. Never trusted by themselves. */
  verifierKeys: "c2sp.org/verifier-keys",
  /** Beside a receipt: anchor proofs and RFC 3161 tokens of its checkpoint. */
  anchors: "attestry/anchors",
  timeStamps: "attestry/time-stamps",
  /** Beside the statement: proof files of later statements about its entry. */
  later: "attestry/later",
} as const;

/** CWT claim keys (RFC 8392 §3.1, RFC 8747 §3.1). */
export const claim = { iss: 1, sub: 2, exp: 4, nbf: 5, iat: 6, cnf: 8 } as const;

/** IANA "COSE Algorithms": SHA-256, as x5t and the hash envelope name it. */
export const sha256Algorithm = -16;

const ownLabels: ReadonlySet<unknown> = new Set(Object.values(label));

/**
 * The first text label in an unprotected header that is none of ours, or undefined. Unknown integer labels are others' business
 * and left alone; a text label is private by nature, so one that we did not write is a damaged one of ours.
 */
export function findStrangeLabel(unprotected: ReadonlyMap<number | string, unknown>): string | undefined {
  for (const key of unprotected.keys()) if (typeof key === "string" && !ownLabels.has(key)) return key;
  return undefined;
}
