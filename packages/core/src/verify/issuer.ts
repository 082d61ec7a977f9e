/** Who signed the statement, and does anything trusted vouch that the key is theirs? */
import { encodeHex, equalBytes } from "../bytes.ts";
import { keyThumbprint, parseThumbprintUri, thumbprintUri } from "../cose/key.ts";
import { type PublicKey, sha256, verifySignature } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import type { ProofFile } from "../statement/proof-file.ts";
import type { Statement } from "../statement/statement.ts";
import type { Trust } from "../trust.ts";
import type { Check, TimeBound } from "./report.ts";
import { type Finding, mathematics, step } from "./step.ts";
import { missing, type TreeFinding } from "./tree.ts";

export interface SignatureFinding {
  readonly issuerKey: Check;
  readonly signature: Check;
  /** The key that the signed header names, when it came along. */
  readonly key: PublicKey | undefined;
}

/** Did the key that the statement names sign it? Needs nothing of the log. */
export async function examineSignature(proof: ProofFile): Promise<SignatureFinding> {
  let key: PublicKey | undefined;
  const issuerKey = await step("issuer_key", mathematics, async () => {
    key = await issuerKeyOf(proof);
    if (key === undefined) return missing("The issuer's key did not come along with the statement.");
    return { detail: "The key that came along is the one that the signed header names.", trust: mathematics };
  });
  const signature = await step("signature", mathematics, () => checkStatementSignature(proof.statement, key));
  return { issuerKey, signature, key };
}

/** Is the key the issuer's? `tree` and `notAfter` are what the log's part of the proof gave. */
export function examineIssuer(
  proof: ProofFile,
  trust: Trust,
  tree: TreeFinding | undefined,
  notAfter: TimeBound | undefined,
  key: PublicKey | undefined,
): Promise<Check> {
  return step("issuer", "nothing", () => checkIssuer(proof, trust, tree, notAfter, key));
}

/** The key, checked against the signed header (RFC 9679 thumbprint, or RFC 9360 x5t). */
async function issuerKeyOf({ statement, evidence }: ProofFile): Promise<PublicKey | undefined> {
  const leaf = evidence.chain?.[0];
  const carried =
    statement.key.kind === "kid" ? evidence.coseKey && keyThumbprint(evidence.coseKey) : leaf && sha256(leaf);
  if (carried === undefined) return undefined;
  if (!equalBytes(carried, statement.key.thumbprint)) {
    const data = { named: encodeHex(statement.key.thumbprint), found: encodeHex(carried) };
    throw new AttestryError(
      "VERIFY_KEY_MISMATCH",
      "The key or certificate beside the statement is not the one it names.",
      { data },
    );
  }
  if (statement.key.kind === "kid" || leaf === undefined) return evidence.coseKey;
  const { parseCertificate } = await import("../x509/chain.ts");
  const { publicKey } = parseCertificate(leaf);
  if (publicKey === undefined)
    throw new AttestryError("VERIFY_CERTIFICATE", "The certificate's key is none that signs statements.");
  return publicKey;
}

async function checkStatementSignature(statement: Statement, key: PublicKey | undefined): Promise<Finding> {
  if (key === undefined) return missing("Without the issuer's key the signature cannot be checked.");
  if (key.algorithm !== statement.algorithm) {
    const data = { header: statement.algorithm, key: key.algorithm };
    throw new AttestryError("VERIFY_ALGORITHM", undefined, { data });
  }
  if (!(await verifySignature(key, statement.toBeSigned, statement.signature)))
    throw new AttestryError("VERIFY_SIGNATURE");
  return {
    detail: `The issuer's ${statement.algorithm} signature covers the file's hash, the record and the time.`,
    trust: mathematics,
  };
}

async function checkIssuer(
  proof: ProofFile,
  trust: Trust,
  tree: TreeFinding | undefined,
  notAfter: TimeBound | undefined,
  key: PublicKey | undefined,
): Promise<Finding> {
  const { statement } = proof;
  if (key === undefined) return missing("Whose key it is cannot be told without the key.");
  checkSelfName(statement, key);
  const named = trust.issuers.filter((issuer) => issuer.issuer === statement.issuer);
  if (named.length > 0) {
    const thumbprint = keyThumbprint(key);
    if (named.some((issuer) => issuer.keys.some((own) => equalBytes(own, thumbprint)))) {
      const facts = { by: "key" };
      return { detail: `The trust file names this key for ${statement.issuer}.`, trust: "the trust file", facts };
    }
    const data = { issuer: statement.issuer, key: thumbprintUri(thumbprint) };
    throw new AttestryError("VERIFY_UNTRUSTED", `The trust file names other keys for ${statement.issuer}.`, { data });
  }
  if (statement.key.kind === "x5t") return checkCertified(proof, trust, tree, notAfter);
  return checkEnrolled(statement, trust, tree);
}

/** An issuer named by a key thumbprint (RFC 9679 §5.3) is that key and no other. */
function checkSelfName(statement: Statement, key: PublicKey): void {
  const own = parseThumbprintUri(statement.issuer);
  if (own !== undefined && !equalBytes(own, keyThumbprint(key))) throw new AttestryError("VERIFY_ISSUER");
}

async function checkCertified(
  { statement, evidence }: ProofFile,
  trust: Trust,
  tree: TreeFinding | undefined,
  notAfter: TimeBound | undefined,
): Promise<Finding> {
  const { checkCertificateNames, checkChain } = await import("../x509/chain.ts");
  const chain = evidence.chain ?? [];
  const last = chain.at(-1);
  if (last === undefined) return missing("No certificate came along.");
  if (notAfter === undefined) return missing("Certificates are checked as of the proven time, and there is none yet.");
  const rooted = trust.issuerRoots.length > 0;
  // Without roots of our own the chain must still hold together as of that time; that the log enrolled it is then the trust.
  const { leaf, root } = await checkChain({ chain, roots: rooted ? trust.issuerRoots : [last], at: notAfter.time });
  checkCertificateNames(leaf, statement.issuer);
  if (!rooted) return checkEnrolled(statement, trust, tree);
  return {
    detail: `${statement.issuer} is certified by ${root.subject}, as of the proven time.`,
    trust: `the trust file's root ${root.subject}`,
    facts: { by: "certificate" },
  };
}

/** Nothing of ours names the issuer: then it rests on the log, which takes statements of enrolled issuers only. */
function checkEnrolled(statement: Statement, trust: Trust, tree: TreeFinding | undefined): Finding {
  if (!trust.acceptEnrolled) {
    const data = { issuer: statement.issuer, key: encodeHex(statement.key.thumbprint) };
    throw new AttestryError("VERIFY_UNTRUSTED", `The trust file does not name the issuer ${statement.issuer}.`, {
      data,
    });
  }
  if (tree === undefined || !tree.sound) return missing("The log that would vouch for the issuer is not proven yet.");
  const facts = { by: "enrolment" };
  return {
    detail: `${statement.issuer} was enrolled at the log.`,
    trust: `the enrolment at the log ${tree.origin}`,
    facts,
  };
}
