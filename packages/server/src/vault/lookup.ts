/** Objects and their custody events as callers name them: by id, or by the hash of the content. */
import { AttestryError, equalBytes, parseCustodyEvent, sha256 } from "@attestry/core";
import type { Notary } from "../notary.ts";
import type { Catalogue, ObjectQuery, StoredObject } from "./catalogue/catalogue.ts";
import { isObjectId } from "./object-store.ts";
import type { CustodyRecord, FoundObjects, Vault, VaultObject } from "./vault.ts";

/** More than anybody stores the same content. */
const maxSame = 1000;
const maxPage = 1000;

export interface LookUp extends Pick<Vault, "object" | "find" | "custodyOf"> {
  /** The object with its key: of several with that hash the latest that is whole. @throws NOT_FOUND, MALFORMED_REQUEST */
  latest(ref: string): Promise<StoredObject>;
  /** The one object that is meant. @throws as `latest`; CONFLICT_EXISTS when several have that hash and are whole */
  only(ref: string): Promise<StoredObject>;
}

export function createLookUp(catalogue: Catalogue, notary: Pick<Notary, "entry">): LookUp {
  /** Those that are whole first, the latest first. */
  async function named(ref: string): Promise<StoredObject[]> {
    if (isObjectId(ref)) {
      const object = await catalogue.readObject(ref);
      return object === undefined ? [] : [object];
    }
    if (!/^[0-9a-f]{64}$/.test(ref))
      throw new AttestryError("MALFORMED_REQUEST", "This is no object's id and no hash.");
    const found = await catalogue.findObjects({ contentHash: Uint8Array.fromHex(ref), limit: maxSame });
    return [...found.filter(({ state }) => state === "whole"), ...found.filter(({ state }) => state !== "whole")];
  }

  async function latest(ref: string): Promise<StoredObject> {
    const [object] = await named(ref);
    if (object === undefined) throw new AttestryError("NOT_FOUND", "The vault has no such object.");
    return object;
  }

  /** An event as it is stored, and whether the log has its hash. @throws FATAL_CORRUPT when it can be read no more */
  async function recordOf(bytes: Uint8Array, entryIndex: number): Promise<CustodyRecord> {
    const { statement } = await notary.entry(entryIndex);
    const isInLog = equalBytes(statement.digest, sha256(bytes));
    return { event: parseCustodyEvent(bytes), bytes, entryIndex, isInLog };
  }

  return {
    latest,

    async only(ref: string): Promise<StoredObject> {
      const whole = (await named(ref)).filter(({ state }) => state === "whole");
      const [object] = whole;
      if (whole.length > 1) {
        const data = { ids: whole.map(({ id }) => id) };
        throw new AttestryError("CONFLICT_EXISTS", "Several objects have this content: name one by its id.", { data });
      }
      return object ?? latest(ref);
    },

    object: async (ref) => toVaultObject(await latest(ref)),

    async find(query: ObjectQuery): Promise<FoundObjects> {
      const limit = Math.min(query.limit, maxPage);
      const objects = (await catalogue.findObjects({ ...query, limit })).map(toVaultObject);
      return { objects, next: objects.length < limit ? undefined : objects.at(-1)?.storedIndex };
    },

    async custodyOf(ref: string): Promise<CustodyRecord[]> {
      const objects = await named(ref);
      if (objects.length === 0) throw new AttestryError("NOT_FOUND", "The vault has no such object.");
      const records: CustodyRecord[] = [];
      for (const { id } of objects) {
        for (const { event, entryIndex } of await catalogue.readEvents(id)) {
          if (entryIndex !== undefined) records.push(await recordOf(event, entryIndex));
        }
      }
      return records.sort((a, b) => a.entryIndex - b.entryIndex);
    },
  };
}

/** All but the key and where it is kept. */
export function toVaultObject(object: VaultObject & Partial<StoredObject>): VaultObject {
  const { wrappedKey, wrapperId, header, place, ...facts } = object;
  return facts;
}
