/** The audit of an object's row: its events are complete, and the row is what follows from them. */
import { encodeHex, equalBytes } from "@attestry/core";
import { nameOf, reasonOf, type VaultAudit } from "./audit.ts";
import { checkEvent } from "./audit-events.ts";
import type { CustodyRow, ObjectFacts, StoredObject } from "./catalogue/catalogue.ts";
import { factsAfter } from "./facts.ts";
import { wrapperIdOf } from "./keys/key-wrapper.ts";

/** An object as its events tell of it, with the row that was found, when it can be read. */
export interface DerivedObject {
  readonly facts: ObjectFacts;
  readonly row: StoredObject | undefined;
}

/** The object as it follows from its events; undefined when nothing tells of it. Names what is wrong with events and row. */
export async function checkRow(audit: VaultAudit, id: string): Promise<DerivedObject | undefined> {
  const { found } = audit;
  const { row, events, problem } = await readTogether(audit, id);
  if (problem !== undefined) {
    const message = `The row of object ${id} cannot be read: ${problem}`;
    found.push({ record: "row", problem: "unreadable", at: { object: id }, message });
  }
  if (events.length === 0 && row !== undefined && !audit.missing.has(row.subject)) {
    const message = `No custody event tells of object ${id} (${row.subject}), which has a row.`;
    found.push({ record: "row", problem: "extra", at: nameOf(row), message });
    return undefined;
  }
  const { states, isComplete } = await replay(audit, id, events, row);
  const facts = states.at(-1) ?? row;
  if (facts === undefined) return undefined;
  // With an event missing, only what the first one says of the content is certain.
  if (!isComplete) return row?.state === "erased" ? undefined : { facts, row };
  if (row !== undefined) compare(audit, row, facts, states);
  else if (problem === undefined) {
    const message = `The row of object ${id} (${facts.subject}) is missing.`;
    found.push({ record: "row", problem: "missing", at: nameOf(facts), message });
  }
  return { facts, row };
}

interface RowAndEvents {
  readonly row: StoredObject | undefined;
  readonly events: readonly (CustodyRow & { readonly entryIndex: number })[];
  /** Why the row cannot be read. */
  readonly problem: string | undefined;
}

/** Row and events as of one moment: the vault may be in use. */
async function readTogether({ catalogue }: VaultAudit, id: string): Promise<RowAndEvents> {
  let problem: string | undefined;
  const read = async (): Promise<StoredObject | undefined> => {
    try {
      return await catalogue.readObject(id);
    } catch (error) {
      problem = reasonOf(error);
      return undefined;
    }
  };
  for (;;) {
    const before = await read();
    const rows = await catalogue.readEvents(id);
    const row = await read();
    if (before?.events !== row?.events) continue;
    const events = rows.flatMap((event) =>
      event.entryIndex === undefined ? [] : [{ ...event, entryIndex: event.entryIndex }],
    );
    return { row, events, problem };
  }
}

/** The object after each of its events, as far as they follow from each other without a gap. */
async function replay(
  audit: VaultAudit,
  id: string,
  events: RowAndEvents["events"],
  row: StoredObject | undefined,
): Promise<{ readonly states: readonly ObjectFacts[]; readonly isComplete: boolean }> {
  const states: ObjectFacts[] = [];
  const bySequence = new Map(events.map((event) => [event.sequence, event]));
  const count = 1 + (events.at(-1)?.sequence ?? -1) + missingAtEnd(audit, events, row);
  let isComplete = true;
  for (let sequence = 0; sequence < count; sequence++) {
    const stored = bySequence.get(sequence);
    if (stored === undefined) {
      const at = { object: id, ...(row && { subject: row.subject }), sequence };
      const message = `Custody event ${sequence} of object ${id} is missing.`;
      audit.found.push({ record: "event", problem: "missing", at, message });
    }
    const event = stored && (await checkEvent(audit, stored));
    isComplete &&= event !== undefined;
    if (stored === undefined || event === undefined || !isComplete) continue;
    try {
      states.push(factsAfter(states.at(-1), event, stored.entryIndex));
    } catch (error) {
      isComplete = false;
      const at = { object: id, subject: event.subject, sequence };
      audit.found.push({ record: "event", problem: "extra", at, message: `${reasonOf(error)} (object ${id})` });
    }
  }
  return { states, isComplete };
}

/** Events that the row counts beyond the last one that is there, when the log misses as many; else the row was edited. */
function missingAtEnd({ missing }: VaultAudit, events: RowAndEvents["events"], row: StoredObject | undefined): number {
  const beyond = (row?.events ?? 0) - 1 - (events.at(-1)?.sequence ?? -1);
  return Math.max(0, Math.min(beyond, missing.get(row?.subject ?? "") ?? 0));
}

/** Says of a row that differs whether it is an older one, and otherwise which fields were edited. */
function compare(audit: VaultAudit, row: StoredObject, facts: ObjectFacts, states: readonly ObjectFacts[]): void {
  const differing = differences(row, facts);
  const older = states.find((state) => state.events === row.events && differences(row, state).length === 0);
  if (differing.length > 0 && older !== undefined && states.length === facts.events) {
    const message =
      `The row of object ${row.id} (${facts.subject}) is an older version, of before custody event ${row.events}: ` +
      `${facts.events} events tell of it.`;
    audit.found.push({ record: "row", problem: "older", at: nameOf(facts), message });
  } else for (const field of differing) nameField(audit, facts, field, text(facts[field]), text(row[field]));
  if (facts.state === "erased" && row.wrappedKey.length > 0) {
    const message = `Object ${row.id} (${facts.subject}) was erased, and its row has a key again.`;
    audit.found.push({ record: "row", problem: "older", at: { ...nameOf(facts), field: "wrappedKey" }, message });
  }
  if (row.wrappedKey.length > 0) checkWrapper(audit, row, facts);
}

function checkWrapper(audit: VaultAudit, { wrappedKey, wrapperId }: StoredObject, facts: ObjectFacts): void {
  try {
    const named = wrapperIdOf(wrappedKey);
    if (named !== wrapperId) nameField(audit, facts, "wrapperId", named, wrapperId);
  } catch {
    nameField(audit, facts, "wrappedKey", "a wrapped key", encodeHex(wrappedKey));
  }
}

/** A field of the row that is not what follows from the events. */
export function nameField(audit: VaultAudit, facts: ObjectFacts, field: string, expected: string, found: string): void {
  const message = `The row of object ${facts.id} (${facts.subject}) was edited: ${field} is ${found}, not ${expected}.`;
  audit.found.push({ record: "row", problem: "changed", at: { ...nameOf(facts), field }, expected, found, message });
}

function differences(row: ObjectFacts, facts: ObjectFacts): (keyof ObjectFacts)[] {
  const fields = Object.keys(facts) as (keyof ObjectFacts)[];
  return fields.filter((field) => {
    const [a, b] = [row[field], facts[field]];
    return a instanceof Uint8Array && b instanceof Uint8Array ? !equalBytes(a, b) : text(a) !== text(b);
  });
}

function text(value: ObjectFacts[keyof ObjectFacts]): string {
  return value instanceof Uint8Array ? encodeHex(value) : (JSON.stringify(value) ?? "none");
}
