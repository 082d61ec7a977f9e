/** The audit of custody events: each statement in the log has its event in the catalogue, and each event is what its entry says. */
import {
  type CustodyEvent,
  custodyContentType,
  encodeHex,
  equalBytes,
  parseCustodyEvent,
  type Statement,
  sha256,
} from "@attestry/core";
import { reasonOf, type VaultAudit } from "./audit.ts";
import type { CustodyRow, SettledEvent } from "./catalogue/catalogue.ts";

const pageSize = 1000;
/** Subjects with missing events that are remembered. */
const maxSubjects = 10_000;

/** Names each custody statement of the log that no event stands beside. Whether those that do are right is `checkEvent`'s to say. */
export async function* findMissingEvents(audit: VaultAudit): AsyncGenerator<void> {
  const rows = settledEvents(audit);
  let row = await rows.next();
  for await (const { index, statement } of audit.log.custody(audit.issuers)) {
    while (row.done !== true && row.value.entryIndex < index) row = await rows.next();
    if (row.done === true || row.value.entryIndex !== index) await checkMissing(audit, index, statement);
    yield;
  }
}

async function* settledEvents({ catalogue, found }: VaultAudit): AsyncGenerator<SettledEvent> {
  for (let after = -1; ; ) {
    let page: SettledEvent[];
    try {
      page = await catalogue.scanEvents(after, pageSize);
    } catch (error) {
      const message = `The custody events after entry ${after} cannot be read: ${reasonOf(error)}`;
      found.push({ record: "event", problem: "unreadable", at: { entry: after }, message });
      return;
    }
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.entryIndex;
  }
}

/** The catalogue lacks an event, unless it is just being recorded. */
async function checkMissing(
  { catalogue, found, missing }: VaultAudit,
  entry: number,
  statement: Statement,
): Promise<void> {
  const isMeant = ({ event }: { readonly event: Uint8Array }) => equalBytes(sha256(event), statement.digest);
  if ((await catalogue.listPending(pageSize)).some(isMeant)) return;
  if ((await catalogue.scanEvents(entry - 1, 1)).some((row) => row.entryIndex === entry)) return;
  const { subject } = statement;
  if (missing.size < maxSubjects) missing.set(subject, (missing.get(subject) ?? 0) + 1);
  const message = `The custody event of ${subject} that entry ${entry} of the log is the hash of is missing.`;
  found.push({ record: "event", problem: "missing", at: { subject, entry }, message });
}

/** An event of an object and its place in the log; undefined, with a finding, when it is not what the log has there. */
export async function checkEvent(
  { log, issuers, found, done }: VaultAudit,
  row: CustodyRow & { readonly entryIndex: number },
): Promise<CustodyEvent | undefined> {
  done.events += 1;
  const { objectId: object, sequence, entryIndex: entry } = row;
  const statement = await log.entry(entry);
  const isCustody = statement?.contentType === custodyContentType && issuers.includes(statement.issuer);
  if (statement === undefined || !isCustody) {
    const message = `Custody event ${sequence} of ${object} says to be entry ${entry} of the log, which is no custody event.`;
    found.push({ record: "event", problem: "extra", at: { object, sequence, entry }, message });
    return undefined;
  }
  const at = { object, subject: statement.subject, sequence, entry };
  const digest = sha256(row.event);
  if (!equalBytes(digest, statement.digest)) {
    const message = `Custody event ${sequence} of ${object} is not what entry ${entry} of the log is the hash of.`;
    const hashes = { expected: encodeHex(statement.digest), found: encodeHex(digest) };
    found.push({ record: "event", problem: "changed", at, ...hashes, message });
    return undefined;
  }
  const event = parseCustodyEvent(row.event); // the notary signed its hash, so it has the form
  if (event.objectId === object && event.sequence === sequence) return event;
  const message = `In the place of custody event ${sequence} of ${object} stands event ${event.sequence} of ${event.objectId}.`;
  found.push({ record: "event", problem: "moved", at, message });
  return undefined;
}
