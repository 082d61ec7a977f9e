/** The way of dropped files: hashed one after the other, signed, journalled, sent many at a time, answered, journalled again. */
import {
  AttestryError,
  decodeHex,
  defaultSubject,
  type ErrorCode,
  errorCatalogue,
  isAttestryError,
  type QuotedCheckpoint,
  signStatement,
  type Trust,
  verify,
} from "@attestry/core";
import type { NotaryClient, Registration } from "@attestry/core/client";
import type { Journal, JournalEntry, KeepWish, Refused, Registered, Signed } from "./journal.ts";
import type { Course, Keeper } from "./keeper.ts";
import type { OwnKey } from "./own-key.ts";

/** A file on its way to being signed. */
export interface Pending {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly state: "waiting" | "reading" | "unreadable" | "unsigned";
  /** Of it that is read, from 0 to 1. */
  readonly share: number;
}

/** `course`: of the way into the vault, while it is not at its end. */
export type Item = Pending | (JournalEntry & { readonly course?: Course });

export interface NotarizerParts {
  readonly key: OwnKey;
  /** As it is enrolled: the `iss` of statements. */
  readonly issuer: string;
  readonly journal: Journal;
  readonly notary: Pick<NotaryClient, "register" | "newestCheckpoint">;
  /** What the notary's receipts must hold under. */
  readonly trust: () => Trust;
  hash(file: File, onShare: (share: number) => void): Promise<string>;
  readonly keeper: Pick<Keeper, "offer" | "claim" | "keep">;
  /** Told of each change of an item. */
  onItem(item: Item): void;
  /** Told of an item that was none: its file belongs to an earlier one. */
  onGone(id: number): void;
  /** Told when sending fails, and when it goes on: then there is none. */
  onTrouble(trouble: Trouble | undefined): void;
}

/** Why nothing can be sent now: the notary is away, or its answers are not signed with the keys that are known. */
export type Trouble = "away" | "keys";

export interface Notarizer {
  /** @param subjectOf the record number of a file; undefined for none @param keep undefined: not in the vault */
  add(files: readonly File[], subjectOf: (file: File) => string | undefined, keep: KeepWish | undefined): void;
  /** Sends what was signed and not answered, of an earlier visit too, and goes on with what is to be kept. */
  resume(entries: readonly JournalEntry[]): void;
  /** Whether a file is not in the journal yet: it would have to be dropped again. */
  readonly isReading: boolean;
  close(): void;
}

/** Statements in one request. */
const batchLength = 100;
const longestPause = 30_000;

export function createNotarizer(parts: NotarizerParts): Notarizer {
  const { key, issuer, journal, keeper, onItem } = parts;
  const queue: Dropped[] = [];
  const outbox = createOutbox(parts);
  let reading = false;
  let closed = false;

  async function readAll(): Promise<void> {
    if (reading) return;
    reading = true;
    // What is signed quotes it, and so cannot have been signed before. Without an answer it is signed all the same.
    const newest = parts.notary.newestCheckpoint().catch(() => undefined);
    for (let next = queue.shift(); next !== undefined && !closed; next = queue.shift()) {
      const signed = await sign(next, newest);
      if (signed !== undefined) outbox.send([signed]);
    }
    reading = false;
  }

  async function sign(
    { item, file, subject, keep }: Dropped,
    newest: Promise<QuotedCheckpoint | undefined>,
  ): Promise<Signed | undefined> {
    const show = (state: Pending["state"], share = 0): void => onItem({ ...item, state, share });
    show("reading");
    const hash = await parts.hash(file, (share) => show("reading", share)).catch(() => undefined);
    if (hash === undefined) return void show("unreadable");
    if (keeper.claim(hash, file)) return void parts.onGone(item.id);
    if (keep !== undefined) keeper.offer(item.id, file);
    const digest = decodeHex(hash);
    const after = await newest;
    try {
      const claims = {
        issuer,
        subject: subject ?? defaultSubject(digest),
        issuedAt: Math.floor(Date.now() / 1000),
        digest,
        ...(file.type !== "" && { contentType: file.type }),
        ...(after && { after }),
      };
      const signed: Signed = {
        id: item.id,
        name: item.name,
        size: item.size,
        state: "signed",
        statement: await signStatement(claims, key),
        digest,
        ...(keep && { keep }),
      };
      await journal.write(signed);
      onItem(signed);
      return signed;
    } catch {
      return void show("unsigned"); // the device is full, or a record number is no text that can be signed
    }
  }

  return {
    add(files, subjectOf, keep) {
      for (const file of files) {
        const item: Pending = { id: nextId(), name: file.name, size: file.size, state: "waiting", share: 0 };
        queue.push({ item, file, subject: subjectOf(file), keep });
        onItem(item);
      }
      void readAll();
    },
    resume(entries) {
      outbox.send(entries.filter((entry) => entry.state === "signed"));
      for (const entry of entries) if (entry.state === "registered") keeper.keep(entry);
    },
    get isReading() {
      return reading || queue.length > 0;
    },
    close() {
      closed = true;
      outbox.close();
    },
  };
}

interface Dropped {
  readonly item: Pending;
  readonly file: File;
  readonly subject: string | undefined;
  readonly keep: KeepWish | undefined;
}

interface Outbox {
  send(signed: readonly Signed[]): void;
  close(): void;
}

/** Sends what waits, all of it in a few requests, and again for as long as the notary is away. */
function createOutbox({ notary, journal, trust, keeper, onItem, onTrouble }: NotarizerParts): Outbox {
  const waiting: Signed[] = [];
  let sending = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  async function sendAll(): Promise<void> {
    if (sending) return;
    sending = true;
    try {
      while (waiting.length > 0 && !closed) {
        const batch = waiting.slice(0, batchLength);
        const answers = await notary.register(batch.map(({ statement }) => statement));
        for (const [at, signed] of batch.entries()) {
          await settle(signed, answers[at]);
          waiting.shift();
        }
        failures = 0;
        onTrouble(undefined);
      }
    } catch (error) {
      failures += 1;
      onTrouble(isAttestryError(error) && error.code.startsWith("VERIFY_") ? "keys" : "away");
      if (!closed) timer = setTimeout(sendAll, Math.min(longestPause, 500 * 2 ** failures));
    }
    sending = false;
  }

  async function settle(signed: Signed, answer: Registration | undefined): Promise<void> {
    const entry =
      answer === undefined || "error" in answer ? refusal(signed, answer) : await receive(signed, answer, trust());
    await journal.write(entry);
    onItem(entry);
    if (entry.state === "registered") keeper.keep(entry);
  }

  return {
    send(signed) {
      waiting.push(...signed);
      void sendAll();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** @throws what may be otherwise later: then everything is sent again */
function refusal({ id, name, size }: Signed, answer: { readonly error: AttestryError } | undefined): Refused {
  const error = answer?.error ?? new AttestryError("UNAVAILABLE_SERVER");
  const code: ErrorCode = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
  if (errorCatalogue[code].retry) throw error;
  return { id, name, size, state: "refused", code };
}

async function receive(
  { id, name, size, digest, statement, keep }: Signed,
  { index, isNew, proof }: Exclude<Registration, { readonly error: unknown }>,
  trust: Trust,
): Promise<Registered> {
  // Later cosignatures and anchors may still be missing; that the receipt is good must not be.
  const { verdict } = await verify({ proof, digest, trust });
  return {
    id,
    name,
    size,
    state: "registered",
    index,
    isNew,
    proof,
    holds: verdict === "verified" || verdict === "incomplete",
    ...(keep && { keep: { ...keep, statement, digest } }),
  };
}

let lastId = 0;

/** Rises, also from one visit to the next. */
function nextId(): number {
  lastId = Math.max(Date.now() * 1000, lastId + 1);
  return lastId;
}
