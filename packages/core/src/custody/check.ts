/**
 * Checks what a notary says of custody against the log (docs/format/custody.md): an event's SHA-256 is what the log's entry was
 * signed over, by the notary's own key, and no event between two is left out.
 */
import { decodeBase64, encodeHex } from "../bytes.ts";
import type { NotaryClient } from "../client/notary-client.ts";
import type { Custody, CustodyEntry } from "../client/vault-client.ts";
import { sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import type { Trust } from "../trust.ts";
import { verify } from "../verify/verify.ts";
import { type CustodyEvent, custodyContentType, parseCustodyEvent } from "./event.ts";

/**
 * Why an event does not hold: its bytes are none (`malformed`), or of `another_object`; events before it are missing (`gap`), or it
 * comes twice or out of order (`order`); the log has other bytes there (`edited`), its proof does not hold (`proof`) or is of
 * `another_entry`; `another_signer` or `another_statement` stands there. `open`: nothing is wrong, and something that its proof
 * needs cannot be told.
 */
export type CustodyProblem =
  | "malformed"
  | "another_object"
  | "gap"
  | "order"
  | "edited"
  | "proof"
  | "another_entry"
  | "another_signer"
  | "another_statement"
  | "open";

/** An event as the notary gave it, and as its bytes have it. Rely on the latter: the rest is the notary's word. */
export interface ReadEvent {
  readonly given: CustodyEntry;
  /** Undefined when its bytes are no event. */
  readonly event: CustodyEvent | undefined;
  /** What its bytes and those before it show without the log. */
  readonly problem?: CustodyProblem;
}

export interface CheckedEvent extends ReadEvent {
  /** `unknown`: nothing is wrong, and something that the proof needs could not be told. */
  readonly status: "holds" | "broken" | "unknown";
  /** In one sentence, where `problem` is `proof` or `open`. */
  readonly summary?: string;
}

export interface CustodyMeans {
  readonly notary: Pick<NotaryClient, "proofFile">;
  readonly trust: Trust;
  /** The log that the events must be in. */
  readonly origin: string;
}

/** Reads events in the order of the log, and holds each against those before it. `ref` is what was asked for: an id or a hash. */
export function readCustody(ref: string, { events }: Custody): ReadEvent[] {
  const next = new Map<string, number>();
  return events.map((given) => {
    const event = tryParse(given);
    const problem = event === undefined ? "malformed" : checkPlace(ref, event, next);
    return { given, event, ...(problem !== undefined && { problem }) };
  });
}

function tryParse({ event }: CustodyEntry): CustodyEvent | undefined {
  try {
    return parseCustodyEvent(decodeBase64(event, "FATAL_CORRUPT"));
  } catch (error) {
    if (error instanceof AttestryError) return undefined;
    throw error;
  }
}

function checkPlace(ref: string, event: CustodyEvent, next: Map<string, number>): CustodyProblem | undefined {
  const { objectId, contentHash, sequence } = event;
  const expected = next.get(objectId) ?? 0;
  next.set(objectId, sequence + 1);
  if (ref !== objectId && ref !== encodeHex(contentHash)) return "another_object";
  if (sequence === expected) return undefined;
  return sequence > expected ? "gap" : "order";
}

/** Holds one event against its entry in the log. @param issuer the notary's own, as `Custody` names it @throws UNAVAILABLE_* */
export async function checkCustodyEvent(read: ReadEvent, issuer: string, means: CustodyMeans): Promise<CheckedEvent> {
  const { given, event, problem: before } = read;
  if (event === undefined || before !== undefined) return { ...read, status: "broken" };
  const proof = await means.notary.proofFile(given.entryIndex);
  const digest = sha256(decodeBase64(given.event, "FATAL_CORRUPT"));
  const { verdict, checks, statement, entry, summary } = await verify({ proof, digest, trust: means.trust });
  const broken = (problem: CustodyProblem): CheckedEvent => ({ ...read, status: "broken", problem });
  const isOther = checks.some(({ name, status }) => name === "content" && status === "fail");
  if (isOther && verdict !== "invalid") return broken("edited");
  // Trust that does not name this log says nothing against it.
  if (!["verified", "incomplete", "untrusted"].includes(verdict)) return { ...broken("proof"), summary };
  if (entry?.origin !== means.origin || entry.index !== given.entryIndex) return broken("another_entry");
  if (statement?.issuer !== issuer) return broken("another_signer");
  if (statement.contentType !== custodyContentType || statement.subject !== event.subject)
    return broken("another_statement");
  if (verdict === "verified") return { ...read, status: "holds" };
  return { ...read, status: "unknown", problem: "open", summary };
}

/** Checks all events, in the order of the log. @throws as `checkCustodyEvent` */
export async function checkCustody(ref: string, custody: Custody, means: CustodyMeans): Promise<CheckedEvent[]> {
  const checked: CheckedEvent[] = [];
  for (const read of readCustody(ref, custody)) checked.push(await checkCustodyEvent(read, custody.issuer, means));
  return checked;
}
