/**
 * Checks what a notary says of custody against the log: an event's SHA-256 is what the log's entry was signed over, by the notary's
 * own key, and no event between two is left out.
 */
import { AttestryError, decodeBase64, encodeHex, type Report, sha256, type Trust, verify } from "@attestry/core";
import type { Custody, CustodyEntry, NotaryClient } from "@attestry/core/client";
import { type CustodyEvent, custodyContentType, parseCustodyEvent } from "@attestry/server";

export interface CheckedEvent {
  readonly given: CustodyEntry;
  /** What was read from the event's bytes; undefined when nothing can be. */
  readonly event: CustodyEvent | undefined;
  /** `unknown`: nothing is wrong, and something that the proof needs could not be told. */
  readonly status: "holds" | "broken" | "unknown";
  /** Why it does not hold. */
  readonly problem?: string;
}

export interface CustodyMeans {
  readonly notary: Pick<NotaryClient, "proofFile">;
  readonly trust: Trust;
  /** The log that the events must be in. */
  readonly origin: string;
}

/** Checks the events in the order of the log. `ref` is what was asked for: an id or a hash. @throws UNAVAILABLE_* */
export async function checkCustody(ref: string, custody: Custody, means: CustodyMeans): Promise<CheckedEvent[]> {
  const checked: CheckedEvent[] = [];
  const next = new Map<string, number>();
  for (const given of custody.events) {
    const event = tryParse(given);
    const problem = event === undefined ? "It is no custody event." : wrongPlace(ref, event, next);
    if (event === undefined || problem !== undefined)
      checked.push({ given, event, status: "broken", ...(problem && { problem }) });
    else checked.push({ given, event, ...(await checkEntry(given, event, custody.issuer, means)) });
  }
  return checked;
}

function tryParse({ event }: CustodyEntry): CustodyEvent | undefined {
  try {
    return parseCustodyEvent(decodeBase64(event, "FATAL_CORRUPT"));
  } catch (error) {
    if (error instanceof AttestryError) return undefined;
    throw error;
  }
}

/** Whether it is of what was asked for, and follows the one before. */
function wrongPlace(ref: string, event: CustodyEvent, next: Map<string, number>): string | undefined {
  const { objectId, contentHash, sequence } = event;
  const expected = next.get(objectId) ?? 0;
  next.set(objectId, sequence + 1);
  if (ref !== objectId && ref !== encodeHex(contentHash)) return "It is of another object.";
  if (sequence === expected) return undefined;
  return sequence > expected
    ? `Before it, ${sequence - expected} of the object's events are missing.`
    : "It comes a second time, or out of order.";
}

async function checkEntry(
  { entryIndex, event }: CustodyEntry,
  { subject }: CustodyEvent,
  issuer: string,
  { notary, trust, origin }: CustodyMeans,
): Promise<Pick<CheckedEvent, "status" | "problem">> {
  const proof = await notary.proofFile(entryIndex);
  const report = await verify({ proof, digest: sha256(decodeBase64(event, "FATAL_CORRUPT")), trust });
  const broken = (problem: string) => ({ status: "broken", problem }) as const;
  const { verdict, statement, entry, summary } = report;
  if (verdict === "altered") return broken(`It was edited: entry ${entryIndex} of the log is of other bytes.`);
  if (verdict !== "verified" && verdict !== "incomplete") return broken(summary);
  if (entry?.origin !== origin || entry.index !== entryIndex) return broken("Its proof is of another entry.");
  if (statement?.issuer !== issuer) return broken("Its entry was not signed by the notary's own key.");
  if (statement.contentType !== custodyContentType || statement.subject !== subject)
    return broken("Its entry is no statement about this event.");
  return verdict === "verified" ? { status: "holds" } : { status: "unknown", problem: openStep(report) };
}

function openStep({ summary }: Report): string {
  return summary;
}
