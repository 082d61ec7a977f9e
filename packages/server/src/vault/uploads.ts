/**
 * Uploads: content comes in parts, is hashed, encrypted and stored in one pass, and waits, whole and invisible, for its statement. An
 * upload goes on after a dropped line, and after a crash of either side.
 */
import { AttestryError, checkCustodyText, equalBytes, isAttestryError, parseStatement } from "@attestry/core";
import type { ObjectFacts, UploadRow } from "./catalogue/catalogue.ts";
import { maxObjectSize } from "./format/geometry.ts";
import { createStream, newDataKey } from "./format/stream.ts";
import { wrapperIdOf } from "./keys/key-wrapper.ts";
import { createLocks, type Locks, type Writing } from "./locks.ts";
import { toVaultObject } from "./lookup.ts";
import { checkObjectId, newObjectId } from "./object-store.ts";
import { checkAccess, type Recorder } from "./recording.ts";
import { defaultRecordClass, type RecordClasses, retainUntil } from "./retention.ts";
import { endedAt } from "./session.ts";
import type { Access, BeginOptions, CompleteUpload, Upload, Vault, VaultObject, VaultOptions } from "./vault.ts";
import { createSegmentMemory } from "./window.ts";

export interface UploadParts extends Pick<VaultOptions, "catalogue" | "objects" | "keys" | "notary"> {
  readonly recorder: Recorder;
  readonly recordClasses: RecordClasses;
  /** Milliseconds of Unix time. */
  readonly clock: () => number;
  /** Milliseconds. */
  readonly uploadLife: number;
}

export type Uploads = Pick<Vault, "begin" | "uploader" | "upload" | "append" | "complete" | "cancel" | "commit"> & {
  /** Gives up an upload that was last touched before that time, unless somebody is writing it. Gives whether it did. */
  abandon(id: string, before: number): Promise<boolean>;
  /** Forgets what is in memory. */
  wipe(): void;
};

type Parts = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const maxMetadata = 16_384;

export function createUploads(parts: UploadParts): Uploads {
  const { writesAtOnce, newMemory } = parts.objects;
  const locks = createLocks({ ...parts, memory: createSegmentMemory(writesAtOnce, newMemory) });
  const { catalogue, clock } = parts;

  async function finish({ session, row, holder }: Writing): Promise<CompleteUpload> {
    const { declaredSize } = row;
    if (declaredSize !== undefined && session.offset !== declaredSize) throw endedAt(session.offset);
    const content = await session.end();
    await catalogue.saveContent(row.id, holder, content);
    return { ...toUpload(parts, row, content.size), content };
  }

  async function append(
    id: string,
    offset: number,
    content: Parts,
    { isLast = false }: { readonly isLast?: boolean } = {},
  ): Promise<Upload> {
    return locks.write(id, async (writing) => {
      const { session, row, holder } = writing;
      if (session.offset !== offset) throw endedAt(session.offset);
      const broken = await take(writing, content);
      if (session.isSpoilt) throw broken?.error ?? new AttestryError("CONFLICT_LOCKED");
      const isComplete = session.isEnded || session.offset === row.declaredSize || isLast;
      if (broken === undefined && isComplete) return finish(writing);
      const tail = session.tail();
      await catalogue.saveTail(id, holder, tail);
      session.savedTail = tail;
      if (broken !== undefined) throw broken.error;
      return toUpload(parts, row, session.offset);
    });
  }

  return {
    begin: (options) => begin({ ...parts, locks }, options),
    append,

    async uploader(id: string): Promise<string> {
      checkObjectId(id);
      const known = await catalogue.readUpload(id);
      if (known === undefined) throw new AttestryError("NOT_FOUND", "There is no such upload.");
      return known.who;
    },

    async upload(id: string): Promise<Upload> {
      checkObjectId(id);
      const known = await catalogue.readUpload(id);
      if (known === undefined) throw new AttestryError("NOT_FOUND", "There is no such upload.");
      if (known.content !== undefined) return toUpload(parts, known, known.content.size);
      return locks.write(id, async ({ row, session }) => toUpload(parts, row, session.offset));
    },

    async complete(id: string): Promise<CompleteUpload> {
      const known = await catalogue.readUpload(id);
      if (known?.content !== undefined)
        return { ...toUpload(parts, known, known.content.size), content: known.content };
      return locks.write(id, finish);
    },

    async cancel(id: string): Promise<void> {
      const known = await catalogue.readUpload(id);
      if (known !== undefined) await locks.lock(id, () => remove(parts, id));
    },

    async abandon(id: string, before: number): Promise<boolean> {
      const known = await catalogue.readUpload(id);
      if (known === undefined || known.touchedAt >= before) return false;
      return locks.lock(id, () => remove(parts, id));
    },

    async commit(id, statement, access): Promise<VaultObject> {
      const now = Math.floor(clock() / 1000);
      return toVaultObject(await commit({ ...parts, locks, now }, id, statement, access));
    },

    wipe: locks.wipe,
  };
}

/** Stores what comes until it ends or breaks off. Gives what broke it off. */
async function take({ session, row, keep }: Writing, content: Parts): Promise<{ error: unknown } | undefined> {
  let broken: { error: unknown } | undefined;
  const most = row.declaredSize ?? maxObjectSize;
  try {
    for await (const chunk of content) {
      const kept = keep();
      if (kept !== undefined) await kept;
      if (session.offset + chunk.length > most) {
        throw new AttestryError("POLICY_TOO_LARGE", `The content is longer than ${most} bytes.`);
      }
      const added = session.add(chunk);
      if (added !== undefined) await added;
    }
  } catch (error) {
    broken = { error };
  }
  await session.settle().catch((error: unknown) => {
    broken ??= { error };
  });
  return broken;
}

async function begin(parts: UploadParts & { readonly locks: Locks }, options: BeginOptions): Promise<Upload> {
  const { catalogue, keys, locks, recordClasses, clock } = parts;
  const { who, recordClass = defaultRecordClass, contentType, size, metadata = "" } = options;
  checkCustodyText(who, "name");
  if (contentType !== undefined) checkCustodyText(contentType, "content type");
  retainUntil(recordClasses, recordClass, 0); // refuses a class that is not there
  if (metadata.length > maxMetadata) throw new AttestryError("POLICY_TOO_LARGE", "The upload's metadata is too long.");
  if (size !== undefined && (!Number.isSafeInteger(size) || size < 0)) throw new AttestryError("MALFORMED_REQUEST");
  if (size !== undefined && size > maxObjectSize) throw new AttestryError("POLICY_TOO_LARGE");
  const id = newObjectId();
  const dataKey = newDataKey();
  const { header } = createStream(dataKey, id);
  const wrappedKey = await keys.wrap(dataKey, id);
  const now = clock();
  const row: UploadRow = {
    id,
    header,
    wrappedKey,
    wrapperId: wrapperIdOf(wrappedKey),
    place: id,
    recordClass,
    contentType,
    declaredSize: size,
    metadata,
    who,
    createdAt: now,
    touchedAt: now,
    tail: undefined,
    content: undefined,
  };
  await catalogue.addUpload(row);
  locks.begin(row, dataKey);
  return toUpload(parts, row, 0);
}

/** The row first: segments that are left over are swept, while a row that is left over would be gone on with. */
async function remove({ catalogue, objects }: UploadParts, id: string): Promise<boolean> {
  if ((await catalogue.readEvents(id)).length > 0) return false; // it is about to be an object
  const place = (await catalogue.readUpload(id))?.place ?? id;
  await catalogue.removeUpload(id);
  await objects.remove(place);
  return true;
}

interface CommitParts extends UploadParts {
  readonly locks: Locks;
  /** Whole seconds of Unix time. */
  readonly now: number;
}

async function commit(
  parts: CommitParts,
  id: string,
  statement: Uint8Array | { readonly entryIndex: number },
  access: Access,
): Promise<ObjectFacts> {
  checkObjectId(id);
  checkAccess(access);
  const { catalogue, locks, recorder, recordClasses, now } = parts;
  const known = async (): Promise<ObjectFacts | undefined> => {
    const object = await catalogue.readObject(id);
    if (object !== undefined) await bind(parts, statement, object.contentHash);
    return object;
  };
  try {
    return (
      (await known()) ??
      (await locks.lock(id, async ({ content, recordClass, contentType }) => {
        if (content === undefined) throw new AttestryError("CONFLICT_UPLOAD", "The upload is not complete yet.");
        const until = retainUntil(recordClasses, recordClass, now);
        const { index: entryIndex, subject } = await bind(parts, statement, content.hash);
        const { hash: contentHash, size, segments } = content;
        const facts = { size, segments, recordClass, contentType, retainUntil: until, entryIndex };
        return recorder.recordFirst({ objectId: id, contentHash, subject }, access, { action: "stored", ...facts });
      }))
    );
  } catch (error) {
    const object = isAttestryError(error) && error.code === "NOT_FOUND" ? await known() : undefined;
    if (object === undefined) throw error;
    return object; // it became an object between the two looks
  }
}

/** The statement in the log, when it is about that content. @throws VERIFY_DIGEST; what the log refuses it with */
async function bind(
  { notary }: UploadParts,
  statement: Uint8Array | { readonly entryIndex: number },
  hash: Uint8Array,
): Promise<{ readonly index: number; readonly subject: string }> {
  const isSigned = statement instanceof Uint8Array;
  const { digest, subject } = isSigned
    ? parseStatement(statement)
    : (await notary.entry(statement.entryIndex)).statement;
  if (!equalBytes(digest, hash)) throw new AttestryError("VERIFY_DIGEST");
  if (!isSigned) return { index: statement.entryIndex, subject };
  const [outcome] = (await notary.register([statement])).outcomes;
  if (outcome === undefined) throw new AttestryError("FATAL_INTERNAL");
  if ("error" in outcome) throw outcome.error;
  return { index: outcome.index, subject };
}

function toUpload({ uploadLife }: UploadParts, row: UploadRow, offset: number): Upload {
  const { id, recordClass, contentType, declaredSize: size, metadata, who, createdAt, content } = row;
  const expiresAt = row.touchedAt + uploadLife;
  return { id, offset, size, recordClass, contentType, metadata, who, createdAt, expiresAt, content };
}
