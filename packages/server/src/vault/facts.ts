/**
 * What follows from an object's custody events. The vault derives each new state of an object here before it stores it, and the
 * audit derives all of them again.
 */
import { AttestryError, type CustodyEvent, equalBytes } from "@attestry/core";
import type { ObjectFacts } from "./catalogue/catalogue.ts";

/**
 * The object after an event.
 * @param before undefined for the first event
 * @param entryIndex the event's place in the log
 * @throws FATAL_CORRUPT when the event does not follow
 */
export function factsAfter(before: ObjectFacts | undefined, event: CustodyEvent, entryIndex: number): ObjectFacts {
  if (event.action === "stored") {
    if (before !== undefined || event.sequence !== 0) throw misplaced(event);
    return firstFacts(event, entryIndex);
  }
  const follows =
    before !== undefined &&
    before.id === event.objectId &&
    before.events === event.sequence &&
    equalBytes(before.contentHash, event.contentHash) &&
    before.subject === event.subject &&
    before.state === "whole";
  if (!follows) throw misplaced(event);
  return { ...before, ...changesBy(event, before), events: before.events + 1 };
}

function firstFacts(event: CustodyEvent & { action: "stored" }, storedIndex: number): ObjectFacts {
  return {
    id: event.objectId,
    state: "whole",
    contentHash: event.contentHash,
    size: event.size,
    segments: event.segments,
    recordClass: event.recordClass,
    contentType: event.contentType,
    subject: event.subject,
    entryIndex: event.entryIndex,
    storedIndex,
    storedAt: event.time,
    retainUntil: event.retainUntil,
    holds: [],
    erasedAt: undefined,
    events: 1,
  };
}

function changesBy(event: CustodyEvent, { holds }: ObjectFacts): Partial<ObjectFacts> {
  switch (event.action) {
    case "held":
      return { holds: [...new Set([...holds, event.order])].sort() };
    case "released":
      return { holds: holds.filter((order) => order !== event.order) };
    case "reclassified":
      return { recordClass: event.recordClass, retainUntil: event.retainUntil };
    case "erased":
      return { state: "erased", erasedAt: event.time };
    default:
      return {};
  }
}

function misplaced({ objectId, sequence }: CustodyEvent): AttestryError {
  const message = "A custody event does not follow from the events before it. Run attestry audit.";
  return new AttestryError("FATAL_CORRUPT", message, { data: { objectId, sequence } });
}
