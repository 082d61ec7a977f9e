/** What changes an object: holds, record classes, erasure. Each is recorded first, and follows from its record. */
import { AttestryError, type CustodyAct, checkCustodyText } from "@attestry/core";
import type { ObjectFacts } from "./catalogue/catalogue.ts";
import { type LookUp, toVaultObject } from "./lookup.ts";
import type { ObjectStore } from "./object-store.ts";
import { checkAccess, type Recorder } from "./recording.ts";
import { keptUntil, type RecordClasses, retainUntil } from "./retention.ts";
import type { Access, Vault, VaultObject } from "./vault.ts";

export interface ActParts {
  readonly recorder: Recorder;
  readonly lookUp: LookUp;
  readonly objects: ObjectStore;
  readonly recordClasses: RecordClasses;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

export function createActs(parts: ActParts): Pick<Vault, "hold" | "release" | "erase" | "reclassify"> {
  const { recorder, lookUp, objects, recordClasses, now } = parts;

  /** Records an act on an object that is whole; nothing when there is nothing to do. */
  async function act(
    ref: string,
    access: Access,
    decide: (object: ObjectFacts) => CustodyAct | undefined,
  ): Promise<VaultObject> {
    checkAccess(access);
    const { id } = await lookUp.only(ref);
    return toVaultObject(await recorder.record(id, access, decide));
  }

  return {
    async hold(ref: string, order: string, access: Access): Promise<VaultObject> {
      checkCustodyText(order, "order");
      return act(ref, access, (object) => {
        checkWhole(object);
        return object.holds.includes(order) ? undefined : { action: "held", order };
      });
    },

    async release(ref: string, order: string, access: Access): Promise<VaultObject> {
      checkCustodyText(order, "order");
      return act(ref, access, ({ holds }) => {
        if (!holds.includes(order)) throw new AttestryError("NOT_FOUND", "No such order holds this object.");
        return { action: "released", order };
      });
    },

    async reclassify(ref: string, recordClass: string, access: Access): Promise<VaultObject> {
      return act(ref, access, (object) => {
        checkWhole(object);
        const until = retainUntil(recordClasses, recordClass, object.storedAt);
        if (until < object.retainUntil) {
          const data = { recordClass: object.recordClass, retainUntil: object.retainUntil };
          const message = `The class ${recordClass} keeps this for a shorter time: ${object.recordClass} keeps it ${keptUntil(object.retainUntil)}.`;
          throw new AttestryError("POLICY_RETAINED", message, { data });
        }
        return object.recordClass === recordClass
          ? undefined
          : { action: "reclassified", recordClass, retainUntil: until };
      });
    },

    async erase(ref: string, order: string, access: Access): Promise<VaultObject> {
      checkCustodyText(order, "order");
      const object = await act(ref, access, (before) => {
        if (before.state === "erased") return undefined;
        checkErasable(before, now());
        return { action: "erased", order };
      });
      await objects.remove((await lookUp.latest(object.id)).place); // what nobody has a key for any more
      return object;
    },
  };
}

function checkWhole({ state }: ObjectFacts): void {
  if (state === "erased") throw new AttestryError("POLICY_ERASED");
}

/** @throws POLICY_RETAINED; `data` says which orders hold it, or which class keeps it and until when */
function checkErasable({ holds, recordClass, retainUntil: until }: ObjectFacts, now: number): void {
  if (holds.length > 0) {
    const data = { holds: [...holds] };
    throw new AttestryError(
      "POLICY_RETAINED",
      `A legal hold forbids erasing this: ${holds.join("; ")}. Release it first.`,
      { data },
    );
  }
  if (now >= until) return;
  const data = { recordClass, retainUntil: until };
  const message = `The period of retention is not over: the class ${recordClass} keeps this ${keptUntil(until)}.`;
  throw new AttestryError("POLICY_RETAINED", message, { data });
}
