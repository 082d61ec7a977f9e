/** A file's thumbprint: the signed statement about the content of a hash, unless a proof of it stands there already. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  defaultSubject,
  equalBytes,
  parseProofFile,
  type QuotedCheckpoint,
  type Relation,
  type StatementClaims,
  signStatement,
} from "@attestry/core";
import { mediaType } from "./files/media-type.ts";
import type { FoundFile } from "./files/walk.ts";
import type { Identity } from "./identity.ts";

/** Who states it, and after what. */
export interface Stating {
  readonly identity: Identity;
  /** The checkpoint that the statements quote, all of one run the same. */
  readonly after?: QuotedCheckpoint;
}

/** What is stated beside the hash, and of which files. */
export interface StatementOptions {
  /** Folder for the proofs, laid out like the files; beside each file when left out. */
  readonly out?: string;
  /** CWT `sub`; by default each file's hash names it. */
  readonly subject?: string;
  readonly contentType?: string;
  readonly relation?: Relation;
  /** Notarise again what has a proof of this very content; the earlier proof is kept. */
  readonly force?: boolean;
}

/** The statement about a file of that hash; undefined when it has its proof. @throws as `signDigest` */
export async function stateFile(
  file: FoundFile,
  digest: Uint8Array,
  stating: Stating,
  options: StatementOptions,
): Promise<Uint8Array | undefined> {
  const renew = options.force || options.relation !== undefined;
  if (!renew && provesDigest(proofPathFor(file, options.out), digest)) return undefined;
  const contentType = options.contentType ?? mediaType(file.path);
  return signDigest(digest, stating, { ...options, ...(contentType && { contentType }) });
}

/** A signed statement about content of that hash, as of now. @throws MALFORMED_STATEMENT when a claim is out of bounds */
export function signDigest(
  digest: Uint8Array,
  { identity: { signer, issuer, chain }, after }: Stating,
  options: Pick<StatementOptions, "subject" | "contentType" | "relation">,
): Promise<Uint8Array> {
  const claims: StatementClaims = {
    issuer,
    subject: options.subject ?? defaultSubject(digest),
    issuedAt: Math.floor(Date.now() / 1000),
    digest,
    ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
    ...(options.relation === undefined ? {} : { relation: options.relation }),
    ...(after === undefined ? {} : { after }),
  };
  return signStatement(claims, signer, chain === undefined ? {} : { chain });
}

export function proofPathFor(file: FoundFile, out?: string): string {
  return `${out === undefined ? file.path : join(out, file.relative)}.proof`;
}

/** Whether a file is a proof of that content, as far as reading it tells: its signatures are `verify`'s to check. */
export function provesDigest(proofPath: string, digest: Uint8Array): boolean {
  if (!existsSync(proofPath)) return false; // the usual case, and an error for it would take long to make
  try {
    const { statement, receipts } = parseProofFile(readFileSync(proofPath));
    return receipts.length > 0 && equalBytes(statement.digest, digest);
  } catch {
    return false;
  }
}
