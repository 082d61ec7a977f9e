/** Which of the entries of one content answers for it: its author's, whoever else registers the same bytes. */
import type { Report } from "../verify/report.ts";
import { collectEntries } from "./find.ts";
import type { NotaryClient } from "./notary-client.ts";
import type { EntrySummary } from "./resources.ts";

/** What one entry's proof comes to. */
export interface Judgement<Answer> {
  readonly answer: Answer;
  /** `withdrawn`: proven, and revoked or superseded since. `open`: not proven, or nothing that is trusted vouches for it. */
  readonly standing: "stands" | "withdrawn" | "open";
  readonly report: Pick<Report, "statement" | "entry" | "later"> | undefined;
}

export interface LookUp<Answer> {
  /** Absent when the notary has no entry of the content, or too many to go through. */
  readonly answer?: Answer;
  /** Issuers whose entries stand beside the author's withdrawn one. */
  readonly others: readonly string[];
  /** The author's further entries that were withdrawn, beside the one that stands: of the first of them. */
  readonly withdrawn: readonly Answer[];
  readonly tooMany: boolean;
}

type Judge<Answer> = (index: number) => Promise<Judgement<Answer>>;

const nothing = { others: [], withdrawn: [], tooMany: false };

/** Of the author's further entries so many are judged. */
const maxBeside = 16;

/** Entries of one content that are gone through; of no genuine record are there as many. */
export const maxLookedUp = 1024;

/**
 * The earliest entry that is proven says who the author is. What was withdrawn is answered for by the same issuer's later entry, and by
 * nobody else's. @throws as `NotaryClient.find`, NOT_FOUND
 */
export async function lookUp<Answer>(
  notary: Pick<NotaryClient, "find" | "proofFile">,
  digest: Uint8Array,
  judgeProof: (proof: Uint8Array) => Promise<Judgement<Answer>>,
): Promise<LookUp<Answer>> {
  const { entries, more } = await collectEntries(notary, { digest }, maxLookedUp);
  if (more) return { ...nothing, tooMany: true };
  const judge: Judge<Answer> = async (index) => {
    const judged = await judgeProof(await notary.proofFile(index));
    const revokes = judged.report?.statement?.relation?.kind === "revokes"; // of the same content, and no record of it
    return revokes && judged.standing === "stands" ? { ...judged, standing: "withdrawn" } : judged;
  };
  const inOrder = entries.toSorted((a, b) => a.index - b.index);
  let open: Judgement<Answer> | undefined;
  for (const [at, { index }] of inOrder.entries()) {
    const first = await judge(index);
    if (first.standing === "withdrawn") return replace(first, inOrder.slice(at + 1), judge);
    if (first.standing === "stands") {
      const beside = inOrder.slice(at + 1).filter(({ issuer }) => issuer === first.report?.statement?.issuer);
      return { ...nothing, answer: first.answer, withdrawn: await findWithdrawn(beside, judge) };
    }
    open ??= first;
  }
  return { ...nothing, ...(open && { answer: open.answer }) };
}

/** Who registers a content twice and revokes the one may have meant both. */
async function findWithdrawn<Answer>(entries: readonly EntrySummary[], judge: Judge<Answer>): Promise<Answer[]> {
  const judged = await Promise.all(entries.slice(0, maxBeside).map(({ index }) => judge(index)));
  return judged.flatMap(({ standing, report, answer }) =>
    standing === "withdrawn" && (report?.later ?? []).length > 0 ? [answer] : [],
  );
}

async function replace<Answer>(
  { answer, report }: Judgement<Answer>,
  rest: readonly EntrySummary[],
  judge: Judge<Answer>,
): Promise<LookUp<Answer>> {
  const author = report?.statement?.issuer;
  const since = Math.max(0, ...(report?.later ?? []).map(({ index }) => index));
  const others = new Set<string>();
  for (const { index, issuer } of rest) {
    if (issuer === author ? index < since : others.has(issuer)) continue;
    const next = await judge(index);
    if (next.standing !== "stands") continue;
    const who = next.report?.statement?.issuer ?? issuer;
    if (who !== author) others.add(who);
    else if (index >= since) return { ...nothing, answer: next.answer };
  }
  return { ...nothing, answer, others: [...others] };
}
