/**
 * Who and what the log takes: a signed statement of an enrolled issuer, signed by that issuer's key, with claims in bounds. What
 * passes here is written down for good, so everything is checked here and nothing later.
 */
import {
  AttestryError,
  type Evidence,
  encodeBase64Url,
  equalBytes,
  keyThumbprint,
  type PublicKey,
  parseEvidence,
  parseStatement,
  sha256,
} from "@attestry/core";
import type { Issuers } from "./issuers/issuers.ts";
import type { AdmittedEntry } from "./log/store.ts";
import type { CheckedStatement } from "./signatures/check.ts";
import type { CheckOutcome, CheckPool } from "./signatures/pool.ts";

export interface AdmissionOptions {
  readonly issuers: Issuers;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
  /** How far ahead of our clock a statement's time may be. Default 300 seconds. */
  readonly maxAhead?: number;
  readonly checks: Pick<CheckPool, "check" | "learn">;
}

/** An entry, or why the statement was refused. */
export type Admitted = AdmittedEntry | { readonly error: unknown };

export interface Admission {
  /**
   * Checks statements and makes them ready for the log. Each is refused for a reason of its own, which is one of MALFORMED_*,
   * POLICY_TOO_LARGE, POLICY_CLAIMS, POLICY_ISSUER_UNKNOWN, POLICY_ISSUER_REVOKED, VERIFY_ISSUER, VERIFY_ALGORITHM,
   * VERIFY_SIGNATURE, VERIFY_CERTIFICATE, VERIFY_KEY_MISMATCH, or something that nobody foresaw.
   */
  admit(statements: readonly Uint8Array[]): Promise<Admitted[]>;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { issuers, now, checks, maxAhead = 300 } = options;
  const certified = createCertifiedKeys(issuers);
  for (const issuer of issuers.list()) if (issuer.kind === "key") checks.learn(keyThumbprint(issuer.key), issuer.key);

  function enrolledKey({ key, issuer }: CheckedStatement): PublicKey {
    const enrolled = issuers.findKey(key.thumbprint);
    if (enrolled === undefined) throw new AttestryError("POLICY_ISSUER_UNKNOWN");
    if (enrolled.revoked !== undefined) throw new AttestryError("POLICY_ISSUER_REVOKED");
    if (enrolled.issuer !== issuer) throw new AttestryError("VERIFY_ISSUER");
    return enrolled.key;
  }

  /** At once where the key was known to the threads, as it mostly is. */
  function admitChecked(checked: CheckedStatement, bytes: Uint8Array): AdmittedEntry | Promise<AdmittedEntry> {
    const time = now();
    checkTime(checked.issuedAt, time, maxAhead);
    if (checked.key.kind === "x5t")
      return certified(checked, bytes, time).then((key) => admitSigned(checked, bytes, key));
    return admitSigned(checked, bytes, enrolledKey(checked));
  }

  function admitSigned(
    checked: CheckedStatement,
    bytes: Uint8Array,
    key: PublicKey,
  ): AdmittedEntry | Promise<AdmittedEntry> {
    // RFC 9053 §2: the algorithm is the key's, and never merely what the header says.
    if (key.algorithm !== checked.algorithm) throw new AttestryError("VERIFY_ALGORITHM");
    if (checked.isSigned === undefined) return checkAgain(checked, bytes, key);
    if (!checked.isSigned) throw new AttestryError("VERIFY_SIGNATURE");
    return checked;
  }

  async function checkAgain(checked: CheckedStatement, bytes: Uint8Array, key: PublicKey): Promise<AdmittedEntry> {
    checks.learn(checked.key.thumbprint, key);
    const [again] = await checks.check([bytes]);
    if (again === undefined || "error" in again) throw again?.error;
    return admitSigned(again, bytes, key);
  }

  return {
    async admit(statements: readonly Uint8Array[]): Promise<Admitted[]> {
      const checked = await checks.check(statements);
      const admitted: Admitted[] = [];
      for (let at = 0; at < checked.length; at++) {
        const one = checked[at] as CheckOutcome;
        try {
          const entry = "error" in one ? one : admitChecked(one, statements[at] as Uint8Array);
          admitted.push(entry instanceof Promise ? await entry : entry);
        } catch (error) {
          admitted.push({ error });
        }
      }
      return admitted;
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
function createCertifiedKeys(
  issuers: Issuers,
): (statement: CheckedStatement, bytes: Uint8Array, time: number) => Promise<PublicKey> {
  const known = new Map<string, CertifiedKey>();

  async function check(thumbprint: Uint8Array, bytes: Uint8Array, time: number): Promise<CertifiedKey> {
    const chain = await chainOf(thumbprint, bytes, issuers);
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

  return async (statement, bytes, time) => {
    const id = encodeBase64Url(statement.key.thumbprint);
    let key = known.get(id);
    const root = key && issuers.find(key.root);
    if (key === undefined || time < key.notBefore || time > key.notAfter || root?.revoked !== undefined) {
      key = await check(statement.key.thumbprint, bytes, time);
      known.set(id, key);
      if (known.size > maxCertified) known.delete(known.keys().next().value as string);
    }
    const named = issuers.find(key.root)?.issuer ?? statement.issuer;
    if (named !== statement.issuer || !key.names.includes(named)) throw new AttestryError("VERIFY_ISSUER");
    return key.publicKey;
  };
}

/** The chain that came along, or the one that was kept when its leaf was first seen. */
async function chainOf(thumbprint: Uint8Array, bytes: Uint8Array, issuers: Issuers): Promise<readonly Uint8Array[]> {
  const evidence: Evidence = parseEvidence(parseStatement(bytes).unprotected);
  const chain = evidence.chain ?? (await issuers.readChain(thumbprint));
  const leaf = chain?.[0];
  if (chain === undefined || leaf === undefined) {
    throw new AttestryError("VERIFY_CERTIFICATE", "The statement names a certificate and brings no chain (x5chain).");
  }
  if (!equalBytes(sha256(leaf), thumbprint)) throw new AttestryError("VERIFY_KEY_MISMATCH");
  return chain;
}
