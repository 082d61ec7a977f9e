/** Rows of the catalogue's tables to values and back, strictly: a row that no writer of ours makes is FATAL_CORRUPT. */
import { Buffer } from "node:buffer";
import { AttestryError, encodeHex } from "@attestry/core";
import type { Content, CustodyRow, ObjectFacts, StoredObject, Tail, UploadRow } from "./catalogue.ts";
import type { CustodyTable, ObjectTable, UploadTable } from "./flavours.ts";

/** An integer of whatever form the driver gives it in. */
export function toInteger(value: unknown): number {
  const integer = typeof value === "string" && /^(0|-?[1-9]\d{0,15})$/.test(value) ? Number(value) : value;
  if (typeof integer === "number" && Number.isSafeInteger(integer)) return integer;
  throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds a number that cannot be right.");
}

function toCount(value: unknown): number {
  const count = toInteger(value);
  if (count >= 0) return count;
  throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds a number that cannot be right.");
}

export function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds something else where there should be bytes.");
}

/** A view that every driver takes for bytes. */
export function fromBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toHash(value: unknown): Uint8Array {
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return Uint8Array.fromHex(value);
  throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds something else where there should be a hash.");
}

function toHolds(value: unknown): string[] {
  try {
    const holds: unknown = JSON.parse(String(value));
    if (Array.isArray(holds) && holds.every((hold) => typeof hold === "string")) return holds;
  } catch {
    // falls through to the one refusal below
  }
  throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds something else where there should be holds.");
}

export function toObject(row: ObjectTable): StoredObject {
  if (row.state !== "whole" && row.state !== "erased") {
    throw new AttestryError("FATAL_CORRUPT", "The vault's catalogue holds an object in no state that there is.");
  }
  return {
    id: row.id,
    state: row.state,
    contentHash: toHash(row.content_hash),
    size: toCount(row.size),
    segments: toCount(row.segments),
    recordClass: row.record_class,
    contentType: row.content_type ?? undefined,
    subject: row.subject,
    entryIndex: toCount(row.entry_index),
    storedIndex: toCount(row.stored_index),
    storedAt: toCount(row.stored_at),
    retainUntil: toCount(row.retain_until),
    holds: toHolds(row.holds),
    erasedAt: row.erased_at === null ? undefined : toCount(row.erased_at),
    events: toCount(row.events),
    header: toBytes(row.header),
    wrappedKey: toBytes(row.wrapped_key),
    wrapperId: row.wrapper_id,
    place: row.place ?? row.id,
  };
}

/** All of a row that the object's events tell of. */
export function fromFacts(facts: ObjectFacts): Omit<ObjectTable, "header" | "wrapped_key" | "wrapper_id" | "place"> {
  return {
    id: facts.id,
    state: facts.state,
    content_hash: encodeHex(facts.contentHash),
    size: facts.size,
    segments: facts.segments,
    record_class: facts.recordClass,
    content_type: facts.contentType ?? null,
    subject: facts.subject,
    entry_index: facts.entryIndex,
    stored_index: facts.storedIndex,
    stored_at: facts.storedAt,
    retain_until: facts.retainUntil,
    holds: JSON.stringify(facts.holds),
    erased_at: facts.erasedAt ?? null,
    events: facts.events,
  };
}

export function toUpload(row: UploadTable): UploadRow {
  return {
    id: row.id,
    header: toBytes(row.header),
    wrappedKey: toBytes(row.wrapped_key),
    wrapperId: row.wrapper_id,
    place: row.place ?? row.id,
    recordClass: row.record_class,
    contentType: row.content_type ?? undefined,
    declaredSize: row.declared_size === null ? undefined : toCount(row.declared_size),
    metadata: row.metadata,
    who: row.who,
    createdAt: toCount(row.created_at),
    touchedAt: toCount(row.touched_at),
    tail: toTail(row),
    content: toContent(row),
  };
}

function toTail(row: UploadTable): Tail | undefined {
  const ciphertext = toBytes(row.tail);
  return ciphertext.length === 0 ? undefined : { index: toCount(row.tail_index), ciphertext };
}

function toContent({ content_hash, size, segments }: UploadTable): Content | undefined {
  if (content_hash === null) return undefined;
  return { hash: toHash(content_hash), size: toCount(size), segments: toCount(segments) };
}

export function fromTail(tail: Tail | undefined): Pick<UploadTable, "tail" | "tail_index"> {
  return { tail: fromBytes(tail?.ciphertext ?? new Uint8Array()), tail_index: tail?.index ?? 0 };
}

export function fromContent(content: Content | undefined): Pick<UploadTable, "content_hash" | "size" | "segments"> {
  if (content === undefined) return { content_hash: null, size: null, segments: null };
  return { content_hash: encodeHex(content.hash), size: content.size, segments: content.segments };
}

export function fromUpload(upload: UploadRow): UploadTable {
  return {
    id: upload.id,
    record_class: upload.recordClass,
    content_type: upload.contentType ?? null,
    declared_size: upload.declaredSize ?? null,
    metadata: upload.metadata,
    who: upload.who,
    created_at: upload.createdAt,
    touched_at: upload.touchedAt,
    lock_holder: "",
    lock_until: 0,
    ...fromTail(upload.tail),
    ...fromContent(upload.content),
    header: fromBytes(upload.header),
    wrapped_key: fromBytes(upload.wrappedKey),
    wrapper_id: upload.wrapperId,
    place: upload.place === upload.id ? null : upload.place,
  };
}

export function toCustody(row: CustodyTable): CustodyRow {
  return {
    objectId: row.object_id,
    sequence: toInteger(row.sequence),
    event: toBytes(row.event),
    statement: toBytes(row.statement),
    entryIndex: row.entry_index === null ? undefined : toCount(row.entry_index),
  };
}
