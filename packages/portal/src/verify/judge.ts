/**
 * Gathers what core's `verify()` judges, with the notary's help where it can be had: the proof, later statements, whether the
 * issuer still stands. A notary that cannot be reached takes nothing from a proof at hand; it only leaves questions open.
 */
import {
  type Check,
  decodeHex,
  defaultSubject,
  encodeBase64Url,
  isAttestryError,
  type ProofFile,
  parseProofFile,
  type Report,
  sha256,
  type Trust,
  type VerifyOptions,
  verify,
} from "@attestry/core";
import {
  askLater,
  createNotaryClient,
  type EnrolledIssuer,
  type Judgement,
  lookUp,
  type NotaryClient,
  type NotaryStatus,
  type Verified,
} from "@attestry/core/client";
import type { Answer, LogKeys, NotaryContact, Outcome, Pin, Question, TrustBasis } from "./question.ts";
import { sameKeys, trustFrom } from "./trust.ts";

/** A notary that answered, with the keys that were noted for it; or none. */
interface Reached {
  readonly client: NotaryClient;
  readonly status: NotaryStatus;
}

interface Means {
  readonly hash: Uint8Array | undefined;
  readonly trust: Trust;
  readonly basis: TrustBasis;
  readonly pins: readonly Pin[];
  readonly reached: Reached | undefined;
  /** The notary shows other keys than those noted: nothing that it says counts. */
  readonly keysChanged: boolean;
}

/** Milliseconds that each answer of the notary may take: a reader waits for it. */
const patience = 10_000;

/** Never throws for what a file, a proof or a notary holds. @throws MALFORMED_TRUST_FILE */
export async function judge(question: Question, send?: typeof fetch): Promise<Answer> {
  const client = createNotaryClient({ url: question.notary, timeout: patience, ...(send && { fetch: send }) });
  const status = await attempt(client.status());
  const { file, pins: known } = question.trust;
  const firstContact = file === undefined && status !== undefined ? newKeys(status, known) : undefined;
  const pins =
    firstContact === undefined ? known : [...known, { ...firstContact, firstSeen: new Date().toISOString() }];
  const pin = pins.find(({ origin }) => origin === status?.origin);
  const means: Means = {
    hash: question.hash === undefined ? undefined : decodeHex(question.hash),
    trust: trustFrom({ ...question.trust, pins }),
    basis: file === undefined ? "noted" : "trust_file",
    pins,
    reached: status && { client, status },
    keysChanged: file === undefined && status !== undefined && pin !== undefined && !sameKeys(pin, status),
  };
  const answer = await answerTo(question, means);
  return {
    ...answer,
    ...(firstContact && { firstContact }),
    ...(status && { treeSize: status.treeSize }),
    warnings: [...answer.warnings, ...(means.keysChanged ? (["keys_changed"] as const) : [])],
  };
}

function newKeys({ origin, verifierKeys, receiptKey }: NotaryStatus, pins: readonly Pin[]): LogKeys | undefined {
  return pins.some((pin) => pin.origin === origin) ? undefined : { origin, verifierKeys, receiptKey };
}

async function answerTo({ proof, link }: Question, means: Means): Promise<Answer> {
  if (proof !== undefined) return judgeProof(proof, "file", means);
  const { hash, reached } = means;
  if (reached === undefined) return without("unreachable", "unreachable", means);
  try {
    if (link !== undefined && "index" in link)
      return await judgeProof(await reached.client.proofFile(link.index), "notary", means);
    const sought = link === undefined ? hash : decodeHex(link.hash);
    if (sought === undefined) return without("not_found", "reached", means);
    const { answer, others, tooMany } = await lookUp(reached.client, sought, async (found) =>
      judgement(await judgeProof(found, "notary", means)),
    );
    if (tooMany) return without("incomplete", "reached", means);
    return answer === undefined ? without("not_found", "reached", means) : { ...answer, others };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return error.code === "NOT_FOUND"
      ? without("not_found", "reached", means)
      : without("unreachable", "unreachable", means);
  }
}

const standings: { readonly [outcome in Outcome]?: Judgement<Answer>["standing"] } = {
  verified: "stands",
  registered: "stands",
  issuer_revoked: "withdrawn",
  revoked: "withdrawn",
  superseded: "withdrawn",
};

function judgement(answer: Answer): Judgement<Answer> {
  return { answer, standing: standings[answer.outcome] ?? "open", report: answer.report };
}

function without(outcome: Outcome, contact: NotaryContact, { basis }: Means): Answer {
  return { outcome, contact, basis, warnings: [] };
}

async function judgeProof(bytes: Uint8Array, proofFrom: "file" | "notary", means: Means): Promise<Answer> {
  const { hash, trust, basis, pins } = means;
  const proof = tryParse(bytes);
  const given = { ...(hash && { digest: hash }), trust };
  const alone = await verify({ proof: bytes, ...given });
  const fresh = await askAgain(proof && { proof, report: alone, trust }, means);
  let report = fresh.bytes === undefined ? alone : await verify({ proof: bytes, ...given, ...fresh.news });
  let best = bytes;
  if (report.verdict === "incomplete" && fresh.bytes !== undefined) {
    // What was missing may have been added since: cosignatures, for one.
    const again = await verify({ proof: fresh.bytes, ...given, ...fresh.news });
    if (openBesideContent(again) === undefined) [report, best] = [again, fresh.bytes];
  }
  const [ownEntry, ended] = await Promise.all([findOwn(report, means), findEnd(report, proof, means)]);
  const notedOn = pins.find(({ origin }) => origin === report.entry?.origin)?.firstSeen;
  const record = recordOf(report);
  const reason = reasonOf(report);
  return {
    outcome: outcomeOf(report, { ownEntry, ended, hasFile: hash !== undefined }),
    contact: fresh.contact,
    basis: basis === "noted" && notedOn === undefined ? "nothing" : basis,
    ...(basis === "noted" && notedOn !== undefined && { notedOn }),
    report,
    ...(reason && { reason }),
    proofFrom,
    proof: best,
    ...(record !== undefined && { record }),
    ...(ownEntry !== undefined && { ownEntry }),
    ...(ended && { ended }),
    warnings: fresh.lost ? ["entry_lost"] : [],
  };
}

interface Beside {
  readonly ownEntry: number | undefined;
  readonly ended: Answer["ended"] | undefined;
  readonly hasFile: boolean;
}

function outcomeOf(report: Report, { ownEntry, ended, hasFile }: Beside): Outcome {
  const { verdict } = report;
  if (verdict === "altered" && ownEntry !== undefined) return "other_file";
  if (verdict === "verified" && ended !== undefined) return "issuer_revoked";
  if (verdict === "incomplete" && !hasFile && openBesideContent(report) === undefined) return "registered";
  return verdict;
}

/** Checks that may stay unknown; core says the same of them. */
const optional: readonly Check["name"][] = ["not_before", "anchors", "time_stamps", "later"];

function openBesideContent({ checks }: Report): Check | undefined {
  return checks.find(
    ({ name, status }) => status !== "pass" && name !== "content" && !(optional.includes(name) && status === "unknown"),
  );
}

function reasonOf({ verdict, checks }: Report): Check | undefined {
  if (verdict === "verified") return undefined;
  const failed = checks.find(({ name, status }) => status === "fail" && name !== "content" && name !== "later");
  return failed ?? checks.find(({ name, status }) => status === "unknown" && !optional.includes(name));
}

function recordOf({ statement }: Report): string | undefined {
  if (statement === undefined) return undefined;
  return statement.subject === defaultSubject(statement.digest) ? undefined : statement.subject;
}

interface Fresh {
  readonly contact: NotaryContact;
  /** The entry's proof as the notary gives it now. */
  readonly bytes?: Uint8Array;
  /** For `verify`. */
  readonly news?: Pick<VerifyOptions, "later" | "askedForLater">;
  /** The entry is proven, and the notary has nothing in its place, or something else. */
  readonly lost?: boolean;
}

/** Asks the log that a proof comes from what has been added about the entry since. */
async function askAgain(verified: Verified | undefined, { reached, keysChanged }: Means): Promise<Fresh> {
  if (reached === undefined) return { contact: "unreachable" };
  if (keysChanged) return { contact: "other_keys" };
  if (verified === undefined) return { contact: "another_log" };
  const { client, status } = reached;
  const news = await askLater(client, status, verified);
  switch (news.kind) {
    case "told": {
      const { proof: bytes, later, gap } = news;
      if (gap !== undefined) return { contact: "unreachable", bytes, news: { later } };
      const askedForLater = `the notary, at tree size ${status.treeSize}`;
      return { contact: "reached", bytes, news: { later, askedForLater } };
    }
    case "absent":
      return { contact: "reached", lost: news.proven !== undefined };
    case "failed":
      return { contact: "unreachable" };
    default:
      return { contact: news.kind };
  }
}

/** The file's own entry, where the proof is not of it. */
async function findOwn(report: Report, { hash, reached, keysChanged }: Means): Promise<number | undefined> {
  if (report.verdict !== "altered" || hash === undefined || reached === undefined || keysChanged) return undefined;
  const page = await attempt(reached.client.find({ digest: hash, limit: 1 }));
  return page?.entries[0]?.index;
}

/** Whether the notary that enrolled the issuer, by its key or by a certificate of its chain, withdrew that since. */
async function findEnd(
  report: Report,
  proof: ProofFile | undefined,
  { reached, keysChanged }: Means,
): Promise<Answer["ended"]> {
  if (report.verdict !== "verified" || proof === undefined || reached === undefined || keysChanged) return undefined;
  if (report.entry?.origin !== reached.status.origin) return undefined;
  const issuers = await attempt(reached.client.listIssuers());
  const own = [proof.statement.key.thumbprint, ...(proof.evidence.chain ?? []).map(sha256)].map(encodeBase64Url);
  const ended = issuers?.find((issuer): issuer is EnrolledIssuer & { revokedAt: string } => {
    return issuer.revokedAt !== undefined && own.includes(issuer.thumbprint);
  });
  return ended && { at: ended.revokedAt, reason: ended.reason ?? "" };
}

function tryParse(bytes: Uint8Array): ProofFile | undefined {
  try {
    return parseProofFile(bytes);
  } catch (error) {
    if (isAttestryError(error)) return undefined; // `verify` says what is wrong with it
    throw error;
  }
}

/** What a notary does not give leaves a question open; it never breaks the rest. */
async function attempt<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}
