/**
 * Who and what the log takes: a signed statement of an enrolled issuer, signed by that issuer's key, with claims in bounds. What
 * passes here is written down for good, so everything is checked here and nothing later.
 */
import {
  AttestryError,
  type Evidence,
  encodeBase64Url,
  equalBytes,
  leafHash,
  type PublicKey,
  parseEvidence,
  parseStatement,
  type Statement,
  sha256,
} from "@attestry/core";
import type { Issuers } from "./issuers/issuers.ts";
import type { AdmittedEntry } from "./log/store.ts";
import { lookUpKeys } from "./look-up.ts";
import type { SignaturePool } from "./signatures/pool.ts";

export interface AdmissionOptions {
  readonly issuers: Issuers;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
  /** How far ahead of our clock a statement's time may be. Default 300 seconds. */
  readonly maxAhead?: number;
  readonly signatures: Pick<SignaturePool, "verify">;
}

export interface Admission {
  /**
   * Checks one statement and makes it ready for the log.
   * @throws MALFORMED_*, POLICY_TOO_LARGE, POLICY_CLAIMS, POLICY_ISSUER_UNKNOWN, POLICY_ISSUER_REVOKED, VERIFY_ISSUER,
   *   VERIFY_ALGORITHM, VERIFY_SIGNATURE, VERIFY_CERTIFICATE
   */
  admit(bytes: Uint8Array): Promise<AdmittedEntry>;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { issuers, now, signatures, maxAhead = 300 } = options;
  const certified = createCertifiedKeys(issuers);

  async function keyOf(statement: Statement, time: number): Promise<PublicKey> {
    if (statement.key.kind === "x5t") return certified(statement, time);
    const enrolled = issuers.findKey(statement.key.thumbprint);
    if (enrolled === undefined) throw new AttestryError("POLICY_ISSUER_UNKNOWN");
    if (enrolled.revoked !== undefined) throw new AttestryError("POLICY_ISSUER_REVOKED");
    if (enrolled.issuer !== statement.issuer) throw new AttestryError("VERIFY_ISSUER");
    return enrolled.key;
  }

  return {
    async admit(bytes: Uint8Array): Promise<AdmittedEntry> {
      const statement = parseStatement(bytes);
      const time = now();
      checkTime(statement.issuedAt, time, maxAhead);
      const key = await keyOf(statement, time);
      // RFC 9053 §2: the algorithm is the key's, and never merely what the header says.
      if (key.algorithm !== statement.algorithm) throw new AttestryError("VERIFY_ALGORITHM");
      const good = await signatures.verify(key, statement.toBeSigned, statement.signature);
      if (!good) throw new AttestryError("VERIFY_SIGNATURE");
      const { entry, issuedAt } = statement;
      return { entry, leafHash: leafHash(entry), issuedAt, keys: lookUpKeys(statement) };
    },
  };
}

function checkTime(issuedAt: number, time: number, maxAhead: number): void {
  if (issuedAt <= time + maxAhead) return;
  throw new AttestryError(
    "POLICY_CLAIMS",
    `The statement's time (iat) is ${issuedAt - time} s ahead of the notary's clock.`,
  );
}

/** How many certificates' keys are remembered as checked. */
const maxCertified = 10_000;

interface CertifiedKey {
  readonly publicKey: PublicKey;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Id of the enrolled root that the chain led to. */
  readonly root: string;
  readonly names: readonly string[];
}

/**
 * Keys of certificates: a chain is checked when its leaf is first seen, kept for proof files, and trusted from then on while
 * every certificate is valid and its root enrolled.
 */
function createCertifiedKeys(issuers: Issuers): (statement: Statement, time: number) => Promise<PublicKey> {
  const known = new Map<string, CertifiedKey>();

  async function check(statement: Statement, time: number): Promise<CertifiedKey> {
    const { thumbprint } = statement.key;
    const chain = await chainOf(statement, issuers);
    const roots = issuers.list().filter(({ kind }) => kind === "root");
    const active = roots.filter(({ revoked }) => revoked === undefined);
    const { certificateNames, checkChain } = await import("@attestry/core/x509");
    const found = await checkChain({ chain, roots: active.map(({ material }) => material), at: time }).catch(
      async (error: unknown) => {
        // A chain to a root that was revoked is told apart from one to nowhere.
        await checkChain({ chain, roots: roots.map(({ material }) => material), at: time }).catch(() => {
          throw error;
        });
        throw new AttestryError("POLICY_ISSUER_REVOKED");
      },
    );
    await issuers.putChain(thumbprint, chain);
    return {
      publicKey: found.leaf.publicKey as PublicKey, // checkChain refuses a leaf without one
      notBefore: Math.max(...found.path.map(({ notBefore }) => notBefore)),
      notAfter: Math.min(...found.path.map(({ notAfter }) => notAfter)),
      root: encodeBase64Url(sha256(found.root.der)),
      names: certificateNames(found.leaf),
    };
  }

  return async (statement, time) => {
    const id = encodeBase64Url(statement.key.thumbprint);
    let key = known.get(id);
    const root = key && issuers.find(key.root);
    if (key === undefined || time < key.notBefore || time > key.notAfter || root?.revoked !== undefined) {
      key = await check(statement, time);
      known.set(id, key);
      if (known.size > maxCertified) known.delete(known.keys().next().value as string);
    }
    const named = issuers.find(key.root)?.issuer ?? statement.issuer;
    if (named !== statement.issuer || !key.names.includes(named)) throw new AttestryError("VERIFY_ISSUER");
    return key.publicKey;
  };
}

/** The chain that came along, or the one that was kept when its leaf was first seen. */
async function chainOf(statement: Statement, issuers: Issuers): Promise<readonly Uint8Array[]> {
  const { thumbprint } = statement.key;
  const evidence: Evidence = parseEvidence(statement.unprotected);
  const chain = evidence.chain ?? (await issuers.readChain(thumbprint));
  const leaf = chain?.[0];
  if (chain === undefined || leaf === undefined) {
    throw new AttestryError("VERIFY_CERTIFICATE", "The statement names a certificate and brings no chain (x5chain).");
  }
  if (!equalBytes(sha256(leaf), thumbprint)) throw new AttestryError("VERIFY_KEY_MISMATCH");
  return chain;
}
