/**
 * Custody events (docs/format/custody.md): who did what to an object, when and for what purpose. An event is deterministic CBOR
 * (RFC 8949 §4.2.1) whose SHA-256 is in the log; its bytes are in the catalogue. A random salt keeps the hash from telling
 * anything of who and why.
 */
import { type CborMap, type CborValue, decodeCbor, encodeCbor } from "../cose/cbor.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";

/** What was done, with the facts of its own. */
export type CustodyAct =
  | {
      readonly action: "stored";
      readonly size: number;
      readonly segments: number;
      readonly recordClass: string;
      readonly contentType: string | undefined;
      readonly retainUntil: number;
      /** Index of the statement about the content. */
      readonly entryIndex: number;
    }
  | { readonly action: "read" }
  | { readonly action: "exported" }
  | { readonly action: "held"; readonly order: string }
  | { readonly action: "released"; readonly order: string }
  | { readonly action: "reclassified"; readonly recordClass: string; readonly retainUntil: number }
  | { readonly action: "erased"; readonly order: string };

/** What every event says. */
export interface CustodyFacts {
  readonly objectId: string;
  /** Its place among the object's events, from 0 on with no gap. */
  readonly sequence: number;
  /** SHA-256 of the content, 32 bytes. */
  readonly contentHash: Uint8Array;
  /** The record number; the log's statement has it too. */
  readonly subject: string;
  readonly who: string;
  readonly purpose: string;
  /** Whole seconds of Unix time. */
  readonly time: number;
  /** 16 random bytes. */
  readonly salt: Uint8Array;
}

export type CustodyEvent = CustodyFacts & CustodyAct;

/** The content type of the log's statements about events. */
export const custodyContentType = "application/vnd.attestry.custody+cbor";

const maxText = 512;
const maxEventLength = 8192;

/** @throws MALFORMED_REQUEST, or the given code, when a text is empty, longer than 512 characters or has control characters */
export function checkCustodyText(text: string, what: string, code: ErrorCode = "MALFORMED_REQUEST"): void {
  // As in statements: what is shown to people later must not dress anything up.
  if (text.length > 0 && text.length <= maxText && !/[\p{C}\u2028\u2029]/u.test(text)) return;
  throw new AttestryError(code, `The ${what} must have 1 to ${maxText} characters, none of them a control character.`);
}

type Field = readonly [key: string, kind: "text" | "count" | "hash" | "salt" | "optional text"];

const common: Readonly<Record<keyof CustodyFacts | "action", Field>> = {
  action: ["action", "text"],
  objectId: ["object", "text"],
  sequence: ["sequence", "count"],
  contentHash: ["content-hash", "hash"],
  subject: ["subject", "text"],
  who: ["who", "text"],
  purpose: ["purpose", "text"],
  time: ["time", "count"],
  salt: ["salt", "salt"],
};

const order: Record<string, Field> = { order: ["order", "text"] };
const recordClass: Record<string, Field> = {
  recordClass: ["record-class", "text"],
  retainUntil: ["retain-until", "count"],
};

const ownFields: Readonly<Record<CustodyAct["action"], Readonly<Record<string, Field>>>> = {
  stored: {
    size: ["size", "count"],
    segments: ["segments", "count"],
    contentType: ["content-type", "optional text"],
    entryIndex: ["entry", "count"],
    ...recordClass,
  },
  read: {},
  exported: {},
  held: order,
  released: order,
  reclassified: recordClass,
  erased: order,
};

/** @throws MALFORMED_REQUEST when a value is out of bounds */
export function encodeCustodyEvent(event: CustodyEvent): Uint8Array {
  const values = event as unknown as Record<string, CborValue | undefined>;
  const map: CborMap = new Map();
  for (const [name, [key, kind]] of Object.entries({ ...common, ...ownFields[event.action] })) {
    const value = values[name];
    if (value === undefined && kind === "optional text") continue;
    map.set(key, checkField(value, key, kind, "MALFORMED_REQUEST"));
  }
  return encodeCbor(map);
}

/** Reads an event strictly: every field that its action has, and no other. @throws FATAL_CORRUPT */
export function parseCustodyEvent(bytes: Uint8Array): CustodyEvent {
  const code = "FATAL_CORRUPT";
  if (bytes.length > maxEventLength) throw new AttestryError(code, "A custody event is longer than any can be.");
  const map = decodeCbor(bytes, { code });
  const action = map instanceof Map ? map.get("action") : undefined;
  if (!(map instanceof Map) || typeof action !== "string" || !Object.hasOwn(ownFields, action)) {
    throw new AttestryError(code, "A custody event tells of no act that there is.");
  }
  const fields = Object.entries({ ...common, ...ownFields[action as CustodyAct["action"]] });
  const event: Record<string, unknown> = {};
  for (const [name, [key, kind]] of fields) {
    const value = map.get(key);
    const isLeftOut = value === undefined && kind === "optional text";
    event[name] = isLeftOut ? undefined : checkField(value, key, kind, code);
    map.delete(key);
  }
  if (map.size > 0) throw new AttestryError(code, "A custody event says more than its act has to say.");
  if (!isObjectId(event["objectId"])) throw new AttestryError(code, "A custody event is of no object.");
  return event as unknown as CustodyEvent;
}

/** 16 bytes in lower-case base32 (RFC 4648 §6) without padding: the last character has two bits to spare, which are zero. */
function isObjectId(value: unknown): boolean {
  return typeof value === "string" && /^[a-z2-7]{25}[aeimquy4]$/.test(value);
}

function checkField(value: CborValue | undefined, key: string, kind: Field[1], code: ErrorCode): CborValue {
  if (kind === "count" && typeof value === "number" && value >= 0) return value;
  if (kind === "hash" && value instanceof Uint8Array && value.length === 32) return value;
  if (kind === "salt" && value instanceof Uint8Array && value.length === 16) return value;
  if ((kind === "text" || kind === "optional text") && typeof value === "string") {
    checkCustodyText(value, key, code);
    return value;
  }
  throw new AttestryError(code, `A custody event has something else for its "${key}".`);
}
