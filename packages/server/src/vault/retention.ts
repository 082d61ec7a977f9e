/** Record classes: how long the records of each are kept at least, whoever wants them erased. */
import { AttestryError } from "@attestry/core";

/** Whole seconds from the storing on, or forever. */
export type Retention = number | "forever";

/** Days that a class keeps its records at most, where it does not keep them forever. */
export const maxRetentionDays = 1_000_000;

/** By name: see `recordClassName` of `@attestry/core/client`. */
export type RecordClasses = ReadonlyMap<string, Retention>;

/** The class of what was stored with no class named. */
export const defaultRecordClass = "general";
export const defaultRecordClasses: RecordClasses = new Map([[defaultRecordClass, 0]]);

/** The last second that a date can have: what is kept until then is kept forever. */
export const forever = 8_640_000_000_000;

/** Until when it is kept, in words. */
export function keptUntil(seconds: number): string {
  return seconds >= forever ? "for ever" : `until ${new Date(seconds * 1000).toISOString()}`;
}

/** Until when a record of that class is kept. @throws MALFORMED_REQUEST when there is no such class */
export function retainUntil(classes: RecordClasses, recordClass: string, storedAt: number): number {
  const retention = classes.get(recordClass);
  if (retention === undefined) {
    const data = { known: [...classes.keys()] };
    throw new AttestryError(
      "MALFORMED_REQUEST",
      `There is no such record class here; there is ${data.known.join(", ")}.`,
      { data },
    );
  }
  return retention === "forever" ? forever : Math.min(forever, storedAt + retention);
}
