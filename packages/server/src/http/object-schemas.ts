/** What the vault's JSON looks like: objects, custody, and what is asked of them. */
import { encodeHex } from "@attestry/core";
import { type TSchema, Type } from "typebox";
import type { RecordClasses, Retention } from "../vault/retention.ts";
import type { CustodyRecord, Upload, VaultObject } from "../vault/vault.ts";
import { isoTime } from "./entry-routes.ts";

const uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const hash = Type.String({ pattern: "^[0-9a-f]{64}$", description: "SHA-256, lower-case hexadecimal" });
const text = Type.String({ minLength: 1, maxLength: 512 });
const id = Type.String({ pattern: "^[a-z2-7]{26}$", description: "An id of 26 letters and digits" });
const time = Type.String({ description: "ISO 8601" });
const strict = { additionalProperties: false } as const;

export interface RefParams {
  readonly ref: string;
}
export const refParams: TSchema = Type.Object(
  { ref: Type.Union([id, hash], { description: "An object's id, or the SHA-256 of its content" }) },
  strict,
);

export interface HashParams {
  readonly hash: string;
}
export const hashParams: TSchema = Type.Object({ hash }, strict);

export interface UploadParams {
  readonly id: string;
}
export const uploadParams: TSchema = Type.Object({ id }, strict);

export interface PurposeQuery {
  readonly purpose?: string;
}
export const purposeQuery: TSchema = Type.Object({ purpose: Type.Optional(text) }, strict);

export interface StoreQuery extends PurposeQuery {
  readonly recordClass?: string;
}
export const storeQuery: TSchema = Type.Object(
  { purpose: Type.Optional(text), recordClass: Type.Optional(text) },
  strict,
);

export interface ExportBody {
  readonly purpose: string;
}
export const exportBody: TSchema = Type.Object({ purpose: text }, strict);

export interface OrderBody extends ExportBody {
  readonly order: string;
}
export const orderBody: TSchema = Type.Object(
  { order: Type.String({ minLength: 1, maxLength: 512, description: "What the order is filed under" }), purpose: text },
  strict,
);

export interface ClassBody extends ExportBody {
  readonly recordClass: string;
}
export const classBody: TSchema = Type.Object({ recordClass: text, purpose: text }, strict);

export interface CommitBody {
  readonly index: number;
}

export interface ObjectQueryParams {
  readonly hash?: string;
  readonly subject?: string;
  readonly recordClass?: string;
  readonly state?: VaultObject["state"];
  readonly cursor?: string;
  readonly limit: number;
}
export const objectQuery: TSchema = Type.Object(
  {
    hash: Type.Optional(hash),
    subject: Type.Optional(text),
    recordClass: Type.Optional(text),
    state: Type.Optional(Type.Union([Type.Literal("whole"), Type.Literal("erased")])),
    cursor: Type.Optional(Type.String({ pattern: "^[0-9]{1,16}$", description: "`next` of the page before" })),
    limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  },
  strict,
);

export const objectSchema: TSchema = Type.Object({
  id,
  state: Type.String({ description: "whole, or erased: content and key are gone, the rest stays" }),
  hash,
  size: uint,
  subject: text,
  contentType: Type.Optional(text),
  recordClass: text,
  entryIndex: Type.Integer({ description: "The statement that it was stored under" }),
  storedAt: time,
  retainUntil: Type.Optional(time),
  holds: Type.Array(text),
  erasedAt: Type.Optional(time),
});
export const objectPage: TSchema = Type.Object({
  objects: Type.Array(objectSchema),
  next: Type.Optional(Type.String()),
});

export const uploadSchema: TSchema = Type.Object({
  id,
  offset: uint,
  size: Type.Optional(uint),
  hash: Type.Optional(hash),
  recordClass: text,
});

export const custodyList: TSchema = Type.Object({
  issuer: Type.String({ description: "Whose statements in the log tell of custody: the notary's own key" }),
  events: Type.Array(
    Type.Object(
      {
        action: Type.String(),
        objectId: id,
        who: text,
        purpose: text,
        time,
        entryIndex: Type.Integer({ description: "The log's entry that holds the SHA-256 of `event`" }),
        inLog: Type.Boolean({ description: "False for one that was edited: the log has another hash there" }),
        event: Type.String({ description: "The event's bytes (docs/format/custody.md), base64" }),
      },
      { additionalProperties: true, description: "And the facts of its own action" },
    ),
  ),
});

export const classList: TSchema = Type.Object({
  recordClasses: Type.Array(
    Type.Object({ name: text, retention: Type.Union([uint, Type.Literal("forever")], { description: "Seconds" }) }),
  ),
});

/** As `classList` has them. */
export function toClassList(classes: RecordClasses): { recordClasses: { name: string; retention: Retention }[] } {
  return { recordClasses: [...classes].map(([name, retention]) => ({ name, retention })) };
}

export type ObjectJson = Record<string, unknown>;

export function toObjectJson(object: VaultObject): ObjectJson {
  const { id, state, contentHash, size, subject, contentType, recordClass, entryIndex } = object;
  const { storedAt, retainUntil, holds, erasedAt } = object;
  return {
    id,
    state,
    hash: encodeHex(contentHash),
    size,
    subject,
    ...(contentType === undefined ? {} : { contentType }),
    recordClass,
    entryIndex,
    storedAt: isoTime(storedAt),
    ...(retainUntil <= storedAt ? {} : { retainUntil: isoTime(retainUntil) }),
    holds,
    ...(erasedAt === undefined ? {} : { erasedAt: isoTime(erasedAt) }),
  };
}

export function toUploadJson({ id, offset, size, content, recordClass }: Upload): ObjectJson {
  return {
    id,
    offset,
    ...(size === undefined ? {} : { size }),
    ...(content === undefined ? {} : { hash: encodeHex(content.hash) }),
    recordClass,
  };
}

export function toCustodyJson({ event, bytes, entryIndex, isInLog }: CustodyRecord): ObjectJson {
  const { contentHash, salt, time: at, ...facts } = event;
  const retained = "retainUntil" in event ? { retainUntil: isoTime(event.retainUntil) } : {};
  const stored = event.action === "stored" ? { statementIndex: event.entryIndex } : {};
  return { ...facts, ...retained, ...stored, time: isoTime(at), entryIndex, inLog: isInLog, event: bytes.toBase64() };
}
