/**
 * A notary's vault: uploads that can be resumed (tus 1.0.0), objects, reading by range, and custody. It takes a token with the role
 * for each call; every act is recorded under the token's name.
 */
import { encodeHex, encodeUtf8 } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { createSend, createStreamingSend, type HttpOptions } from "./http.ts";
import { getJson, postJson } from "./notary-client.ts";

/** An object as the notary describes it. Times are ISO 8601. */
export interface VaultObject {
  readonly id: string;
  /** `erased`: content and key are gone, the rest stays. */
  readonly state: "whole" | "erased";
  /** SHA-256 of the content, hexadecimal. */
  readonly hash: string;
  readonly size: number;
  readonly subject: string;
  readonly contentType?: string;
  readonly recordClass: string;
  /** The log's entry that it was stored under. */
  readonly entryIndex: number;
  readonly storedAt: string;
  readonly retainUntil?: string;
  /** The orders that hold it. */
  readonly holds: readonly string[];
  readonly erasedAt?: string;
}

/** What was done to an object, by whom, when and why, with the facts of its own. */
export interface CustodyEntry {
  readonly action: "stored" | "read" | "exported" | "held" | "released" | "reclassified" | "erased";
  readonly objectId: string;
  readonly who: string;
  readonly purpose: string;
  readonly time: string;
  /** The log's entry that holds the SHA-256 of `event`. */
  readonly entryIndex: number;
  /** What the notary says itself of whether the log has the event as it is here. */
  readonly inLog: boolean;
  /** The event's bytes (docs/format/custody.md), base64. */
  readonly event: string;
  readonly order?: string;
  readonly recordClass?: string;
}

/** What the notary keeps of custody. `issuer`: whose statements in the log tell of it, as the notary says itself. */
export interface Custody {
  readonly issuer: string;
  readonly events: readonly CustodyEntry[];
}

/** The vault's keys. `pending`: data keys that an older key wrapped, so that a rotation is to be gone on with. */
export interface VaultKeys {
  readonly key: string;
  readonly pending: number;
  readonly rotation: {
    readonly state: "none" | "running" | "done" | "failed";
    readonly done: number;
    readonly total: number;
    /** A code of the error catalogue. */
    readonly problem?: string;
  };
}

export interface RecordClass {
  readonly name: string;
  /** Seconds. */
  readonly retention: number | "forever";
}

export interface UploadState {
  /** Bytes that are stored for good: the next ones go here. */
  readonly offset: number;
  /** SHA-256 of the content, once it is complete. */
  readonly hash?: Uint8Array;
}

export interface NewUpload {
  /** Bytes of content. */
  readonly size: number;
  readonly contentType?: string;
  readonly recordClass?: string;
}

export interface ObjectQuery {
  readonly hash?: Uint8Array;
  readonly subject?: string;
  readonly recordClass?: string;
  readonly state?: VaultObject["state"];
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** `ref`: an object's id, or its content's SHA-256 in hexadecimal. */
export interface VaultClient {
  /** Gives the upload's id. */
  beginUpload(upload: NewUpload): Promise<string>;
  /** @throws NOT_FOUND when there is no such upload, also when it has become an object */
  upload(id: string): Promise<UploadState>;
  /** @throws CONFLICT_UPLOAD when the upload stands somewhere else: ask `upload` where */
  append(id: string, offset: number, content: Uint8Array): Promise<UploadState>;
  cancelUpload(id: string): Promise<void>;
  /** Makes a complete upload an object, under a signed statement about its content. Safe to send again. */
  commit(id: string, statement: Uint8Array, purpose: string): Promise<VaultObject>;
  find(query: ObjectQuery): Promise<{ readonly objects: readonly VaultObject[]; readonly next?: string }>;
  object(ref: string): Promise<VaultObject>;
  /** The content as it arrives. Its hash is for the caller to check. */
  read(ref: string, purpose: string): Promise<AsyncIterable<Uint8Array>>;
  /** As `read`, for content that leaves the agency's hands. */
  export(ref: string, purpose: string): Promise<AsyncIterable<Uint8Array>>;
  custody(ref: string): Promise<Custody>;
  hold(ref: string, order: string, purpose: string): Promise<VaultObject>;
  release(ref: string, order: string, purpose: string): Promise<VaultObject>;
  erase(ref: string, order: string, purpose: string): Promise<VaultObject>;
  reclassify(ref: string, recordClass: string, purpose: string): Promise<VaultObject>;
  recordClasses(): Promise<readonly RecordClass[]>;
  /** Adds one, or changes how long it keeps what is stored from now on; gives all of them (role administrator). */
  setRecordClass(recordClass: RecordClass): Promise<readonly RecordClass[]>;
  keys(): Promise<VaultKeys>;
  /** Begins a rotation, or goes on with one; it is under way when this resolves. */
  rotate(options?: { readonly forget?: boolean }): Promise<VaultKeys>;
  sweep(): Promise<{ readonly uploads: number; readonly orphans: number }>;
}

const tus = { "tus-resumable": "1.0.0" };

/**
 * @throws USAGE for an address that is none; every call POLICY_UNAUTHORISED, POLICY_FORBIDDEN, UNAVAILABLE_*
 * @example
 * const vault = createVaultClient({ url: "http://127.0.0.1:8080", token });
 * const { events } = await vault.custody(hash);
 */
export function createVaultClient(options: HttpOptions): VaultClient {
  const send = createSend(options);
  const open = createStreamingSend(options);
  const at = (ref: string, rest = ""): string => `/v1/objects/${encodeURIComponent(ref)}${rest}`;
  const act = (ref: string, what: string, body: Record<string, string>): Promise<VaultObject> =>
    postJson<VaultObject>(send, at(ref, `/${what}`), body);
  return {
    async beginUpload({ size, contentType, recordClass }): Promise<string> {
      const metadata = encodeMetadata({ contentType, recordClass });
      const headers = { ...tus, "upload-length": String(size), ...(metadata && { "upload-metadata": metadata }) };
      const { headers: answer } = await open({ path: "/v1/uploads", method: "POST", headers });
      const id = /\/v1\/uploads\/([a-z2-7]{26})$/.exec(answer.get("location") ?? "")?.[1];
      if (id === undefined) throw new AttestryError("MALFORMED_REQUEST", "The notary named no upload.");
      return id;
    },
    upload: async (id) => toState(await open({ path: `/v1/uploads/${id}`, method: "HEAD", headers: tus })),
    async append(id, offset, content): Promise<UploadState> {
      const headers = { ...tus, "upload-offset": String(offset) };
      const contentType = "application/offset+octet-stream";
      return toState(await open({ path: `/v1/uploads/${id}`, method: "PATCH", headers, contentType, body: content }));
    },
    async cancelUpload(id): Promise<void> {
      await send({ path: `/v1/uploads/${id}`, method: "DELETE", headers: tus });
    },
    async commit(id, statement, purpose): Promise<VaultObject> {
      const path = `/v1/uploads/${id}/commit?${new URLSearchParams({ purpose })}`;
      const answer = await send({ path, method: "POST", body: statement, contentType: "application/cose" });
      return JSON.parse(new TextDecoder().decode(answer)) as VaultObject;
    },
    find({ hash, subject, recordClass, state, limit = 50, cursor }) {
      const query = new URLSearchParams({ limit: String(limit) });
      const members = { subject, recordClass, state, cursor, hash: hash && encodeHex(hash) };
      for (const [name, value] of Object.entries(members)) if (value !== undefined) query.set(name, value);
      return getJson(send, `/v1/objects?${query}`, ["objects"]);
    },
    object: (ref) => getJson(send, at(ref), ["id", "hash"]),
    read: async (ref, purpose) => bodyOf(await open({ path: at(ref, `/content?${new URLSearchParams({ purpose })}`) })),
    async export(ref, purpose): Promise<AsyncIterable<Uint8Array>> {
      const body = JSON.stringify({ purpose });
      return bodyOf(await open({ path: at(ref, "/export"), method: "POST", body, contentType: "application/json" }));
    },
    custody: (ref) => getJson(send, at(ref, "/custody"), ["issuer", "events"]),
    hold: (ref, order, purpose) => act(ref, "hold", { order, purpose }),
    release: (ref, order, purpose) => act(ref, "release", { order, purpose }),
    erase: (ref, order, purpose) => act(ref, "erase", { order, purpose }),
    reclassify: (ref, recordClass, purpose) => act(ref, "reclassify", { recordClass, purpose }),
    recordClasses: async () =>
      (await getJson<{ recordClasses: RecordClass[] }>(send, "/v1/record-classes", ["recordClasses"])).recordClasses,
    setRecordClass: async ({ name, retention }) =>
      (await postJson<{ recordClasses: RecordClass[] }>(send, "/v1/record-classes", { name, retention })).recordClasses,
    keys: () => getJson(send, "/v1/vault/keys", ["key", "rotation"]),
    rotate: (options = {}) => postJson(send, "/v1/vault/keys/rotate", options),
    sweep: () => postJson(send, "/v1/vault/sweep", {}),
  };
}

function toState({ headers }: Response): UploadState {
  const offset = headers.get("upload-offset") ?? "";
  const hash = headers.get("attestry-content-hash");
  if (!/^\d{1,15}$/.test(offset) || (hash !== null && !/^[0-9a-f]{64}$/.test(hash)))
    throw new AttestryError("MALFORMED_REQUEST", "The notary does not say where the upload stands.");
  return { offset: Number(offset), ...(hash === null ? {} : { hash: Uint8Array.fromHex(hash) }) };
}

/** tus 1.0.0, Upload-Metadata. */
function encodeMetadata(pairs: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(pairs)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${encodeUtf8(value).toBase64()}`]))
    .join(",");
}

/** @throws UNAVAILABLE_SERVER when the answer breaks off */
async function* bodyOf({ body, headers }: Response): AsyncGenerator<Uint8Array> {
  const length = Number(headers.get("content-length"));
  const reader = body?.getReader(); // not every browser can iterate over a stream
  let read = 0;
  try {
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      read += part.value.length;
      yield part.value;
    }
  } catch (cause) {
    throw new AttestryError("UNAVAILABLE_SERVER", "The notary's answer broke off.", { cause });
  } finally {
    reader?.cancel().catch(() => {}); // who stops reading wants no more of it; after the end it does nothing
  }
  if (read !== length) throw new AttestryError("UNAVAILABLE_SERVER", "The notary's answer broke off.");
}
