/** The verdict on content that has no proof at hand: the notary is asked for one. */
import type { AttestryError, Check, Verdict } from "@attestry/core";
import { type Judgement, lookUp, maxLookedUp } from "@attestry/core/client";
import { asAttestryError } from "./errors.ts";
import { type FileReport, type VerifyMeans, verifyWithProof } from "./verification.ts";

export async function verifyByLookUp(digest: Uint8Array, means: VerifyMeans): Promise<FileReport> {
  const reached = await means.reach?.();
  if (reached === undefined) {
    return withoutProof(
      "incomplete",
      "unknown",
      "There is no proof beside the file, and no notary was asked (--offline).",
      "nothing",
    );
  }
  const who = `the notary at ${reached.url}`;
  if ("error" in reached) {
    return undecided(reached.error);
  }
  try {
    const { answer, others, withdrawn, tooMany } = await lookUp(reached.notary, digest, async (proof) =>
      judgement(await verifyWithProof(proof, who, digest, means)),
    );
    if (tooMany) {
      const many = `${who} has more than ${maxLookedUp} entries of this content, too many to look through for the first. Verify it with a proof file.`;
      return withoutProof("incomplete", "unknown", many, who);
    }
    const nothing = `${who} has no entry of this content, among ${reached.status.treeSize}.`;
    if (answer === undefined) return withoutProof("not_found", "fail", nothing, who);
    if (answer.verdict === "invalid") {
      const why = `${who} has this content, and its copy of the proof does not hold: ${answer.summary}`;
      return withoutProof("incomplete", "unknown", `${why} ${saysNothing}`, "nothing");
    }
    const beside = [...besideWarning(answer, others), ...withdrawn.map(withdrawnWarning)];
    return { ...answer, warnings: [...answer.warnings, ...beside] };
  } catch (error) {
    return undecided(asAttestryError(error));
  }
}

function judgement(report: FileReport): Judgement<FileReport> {
  const { verdict } = report;
  const isWithdrawn = verdict === "revoked" || verdict === "superseded";
  return { answer: report, standing: verdict === "verified" ? "stands" : isWithdrawn ? "withdrawn" : "open", report };
}

/** Who registered the content as well may have their reasons; it makes the author's record no better. */
function besideWarning({ statement }: FileReport, others: readonly string[]): string[] {
  if (others.length === 0) return [];
  const names = [...others.slice(0, 5), ...(others.length > 5 ? [`${others.length - 5} more`] : [])].join(", ");
  const fact = `the same content was registered by ${names} as well, and that stands`;
  return [`WARNING: ${fact}. The verdict is on what ${statement?.issuer} registered, who was the first.`];
}

function withdrawnWarning({ entry, verdict, later }: FileReport): string {
  const reason = later[0]?.reason ?? "";
  return `WARNING: the same issuer registered this content again, as entry ${entry?.index}, and that is ${verdict}: ${reason}. Ask the issuer whether this one is meant as well.`;
}

const saysNothing = "This says nothing about the file.";

function undecided({ message }: AttestryError): FileReport {
  const why = `There is no proof beside the file, and none could be had: ${message}`;
  return withoutProof("incomplete", "unknown", `${why} ${saysNothing}`, "nothing");
}

function withoutProof(verdict: Verdict, status: Check["status"], detail: string, trust: string): FileReport {
  const sentence = detail.charAt(0).toUpperCase() + detail.slice(1);
  return {
    verdict,
    summary: sentence,
    checks: [{ name: "proof", status, detail: sentence, trust }],
    later: [],
    warnings: [],
  };
}
