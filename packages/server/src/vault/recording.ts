/**
 * Records custody events: first the catalogue keeps the event with its signed statement, then the statement goes into the log,
 * then the catalogue takes its place there and the object's new state. Whoever finds an event between two of these steps, after a
 * crash or beside another process, goes on with it: the same statement again gives the same entry.
 */
import { randomBytes } from "node:crypto";
import {
  AttestryError,
  type CustodyAct,
  type CustodyEvent,
  type CustodyFacts,
  checkCustodyText,
  custodyContentType,
  encodeCustodyEvent,
  isAttestryError,
  parseCustodyEvent,
} from "@attestry/core";
import type { Logger } from "pino";
import type { NotaryIssuer } from "../access/notary-issuer.ts";
import type { Catalogue, CustodyRow, ObjectFacts } from "./catalogue/catalogue.ts";
import { factsAfter } from "./facts.ts";
import type { Access } from "./vault.ts";

export interface Recorder {
  /**
   * Records what `decide` says is to be done to the object as it is now; nothing when it gives undefined. When it resolves, the
   * event is in the log, and the catalogue has the object as it gives it.
   */
  record(
    objectId: string,
    access: Access,
    decide: (object: ObjectFacts) => CustodyAct | undefined,
  ): Promise<ObjectFacts>;
  /** Records the first event of an object, out of its upload. */
  recordFirst(
    of: Pick<CustodyFacts, "objectId" | "contentHash" | "subject">,
    access: Access,
    act: CustodyAct,
  ): Promise<ObjectFacts>;
  /** Goes on with events that a crash left between two steps. Gives the objects as they are then. */
  recover(): Promise<ObjectFacts[]>;
}

export interface RecorderParts {
  readonly catalogue: Catalogue;
  readonly issuer: NotaryIssuer;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
  readonly logger: Logger;
}

export function createRecorder({ catalogue, issuer, now, logger }: RecorderParts): Recorder {
  const oneAtATime = createQueues();

  /** Puts a kept event into the log and its consequences into the catalogue. */
  async function settle(row: Omit<CustodyRow, "entryIndex">, isNew: boolean): Promise<ObjectFacts> {
    const { objectId, sequence } = row;
    const { index } = await issuer.submit(row.statement).catch(async (error: unknown) => {
      // An older one may be in the log from before it was refused: taking it back would hide what happened.
      if (isNew && isRefusal(error)) await catalogue.withdrawEvent(objectId, sequence);
      throw error;
    });
    const before = await catalogue.readObject(objectId);
    if (before !== undefined && before.events > sequence) return before; // another process was quicker
    const after = factsAfter(before, parseCustodyEvent(row.event), index);
    await catalogue.settleEvent(objectId, sequence, index, after);
    return after;
  }

  /** Keeps the event and settles it. Undefined when another event took its place first, which is settled then. */
  async function add(event: CustodyEvent): Promise<ObjectFacts | undefined> {
    const { objectId, sequence, subject } = event;
    const bytes = encodeCustodyEvent(event);
    const statement = await issuer.sign(bytes, { contentType: custodyContentType, subject });
    const row = { objectId, sequence, event: bytes, statement };
    try {
      await catalogue.addEvent(row);
    } catch (error) {
      if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS") throw error;
      await settlePending(objectId);
      return undefined;
    }
    return settle(row, true);
  }

  async function settlePending(objectId: string): Promise<void> {
    const rows = await catalogue.readEvents(objectId);
    for (const row of rows) if (row.entryIndex === undefined) await settle(row, false);
  }

  const common = ({ who, purpose }: Access) => ({ who, purpose, time: now(), salt: new Uint8Array(randomBytes(16)) });

  return {
    record: (objectId, access, decide) =>
      oneAtATime(objectId, async () => {
        for (;;) {
          const object = await catalogue.readObject(objectId);
          if (object === undefined) throw new AttestryError("NOT_FOUND");
          const act = decide(object);
          if (act === undefined) return object;
          const { contentHash, subject, events: sequence } = object;
          const after = await add({ objectId, contentHash, subject, sequence, ...common(access), ...act });
          if (after !== undefined) return after;
        }
      }),

    recordFirst: (of, access, act) =>
      oneAtATime(of.objectId, async () => {
        const after = await add({ ...of, sequence: 0, ...common(access), ...act });
        const object = after ?? (await catalogue.readObject(of.objectId));
        if (object === undefined) throw new AttestryError("FATAL_CORRUPT", "An object has events and no row.");
        return object;
      }),

    async recover(): Promise<ObjectFacts[]> {
      const recovered: ObjectFacts[] = [];
      const stuck = new Set<string>();
      for (;;) {
        const pending = (await catalogue.listPending(stuck.size + 100)).filter(({ objectId }) => !stuck.has(objectId));
        if (pending.length === 0) return recovered;
        for (const row of pending) {
          try {
            recovered.push(await oneAtATime(row.objectId, () => settle(row, false)));
          } catch (error) {
            stuck.add(row.objectId);
            logger.error({ err: error, objectId: row.objectId }, "a custody event could not be finished");
          }
        }
      }
    },
  };
}

/** @throws MALFORMED_REQUEST */
export function checkAccess({ who, purpose }: Access): void {
  checkCustodyText(who, "name");
  checkCustodyText(purpose, "purpose");
}

/** Whether the log said no for good. */
function isRefusal(error: unknown): boolean {
  return isAttestryError(error) && /^(MALFORMED|POLICY|VERIFY)_/.test(error.code) && !error.facts.retry;
}

/** Runs what is done to one object in the order it was asked for. */
function createQueues(): <T>(id: string, run: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (id, run) => {
    const before = last.get(id);
    const turn = (before ?? Promise.resolve()).catch(() => {}).then(run);
    last.set(id, turn);
    try {
      return await turn;
    } finally {
      if (last.get(id) === turn) last.delete(id);
    }
  };
}
