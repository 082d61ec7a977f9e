/** Record classes: how long the records of each are kept at least, whoever wants them erased. */
import { AttestryError } from "@attestry/core";

/** Whole seconds from the storing on, or forever. */
export type Retention = number | "forever";

/** What a class may be called; the name stands in `vault.json` and in custody events. */
export const recordClassName = "^[a-z0-9][a-z0-9-]{0,63}$";

/** Days that a class keeps its records at most, where it does not keep them forever. */
export const maxRetentionDays = 1_000_000;

/** By name: see `recordClassName`. */
export type RecordClasses = ReadonlyMap<string, Retention>;

/** The class of what was stored with no class named. */
export const defaultRecordClass = "general";
export const defaultRecordClasses: RecordClasses = new Map([[defaultRecordClass, 0]]);

/** The last second that a date can have: what is kept until then is kept forever. */
export const forever = 8_640_000_000_000;

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
