/**
 * The audit of a vault. From the log's custody statements and the events that they are hashes of it derives every object again,
 * compares it with its row, opens every stored segment, hashes the content, and names each thing that does not agree. Memory
 * stays flat, whatever the vault's size.
 */
import { custodyContentType, isAttestryError, parseStatement, type Statement } from "@attestry/core";
import type { LogStore } from "../log/store.ts";
import { issuerKey } from "../look-up.ts";
import { checkContent, createDamageList, nameDamage } from "./audit-content.ts";
import { findMissingEvents } from "./audit-events.ts";
import { checkRow } from "./audit-rows.ts";
import type { Catalogue, ObjectFacts } from "./catalogue/catalogue.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { ObjectStore } from "./object-store.ts";

/** One stored thing that does not hold. */
export interface VaultFinding {
  /** A stored `segment`; a whole `object`; the `row` of an object; a custody `event`; the `storage` itself. */
  readonly record: "segment" | "object" | "row" | "event" | "storage";
  readonly problem: "changed" | "missing" | "extra" | "moved" | "older" | "unreadable";
  /** Which one: `object`, `subject`, `segment`, `field`, `sequence`, `entry`, as far as they are known. */
  readonly at: Readonly<Record<string, number | string>>;
  readonly expected?: string;
  readonly found?: string;
  /** One line for people. */
  readonly message: string;
}

export interface VaultAuditOptions {
  readonly catalogue: Catalogue;
  readonly objects: ObjectStore;
  /** Opens the content; without it no content is checked. */
  readonly keys?: KeyWrapper | undefined;
  /** The log, which was audited before. */
  readonly log: AuditedLog;
  /** Names of the notary's own keys, past ones too: custody statements of others count for nothing. */
  readonly issuers: readonly string[];
  /** Called now and then: how many objects are done. */
  readonly onProgress?: (done: number) => void;
}

export interface VaultAuditSummary {
  readonly objects: number;
  readonly events: number;
  /** Bytes of content that were opened and hashed. */
  readonly bytes: number;
  readonly findings: number;
  /** What this audit did not or cannot tell, in words. */
  readonly limits: readonly string[];
}

/** What the audit reads of the log. */
export interface AuditedLog {
  /** An entry's statement; undefined beyond the log's end, and when it cannot be read. */
  entry(index: number): Promise<Statement | undefined>;
  /** The custody statements of those issuers, in order. */
  custody(issuers: readonly string[]): AsyncIterable<{ readonly index: number; readonly statement: Statement }>;
}

/** What the parts of the audit share. They put findings in `found`, which is emptied into the caller's hands as they go. */
export interface VaultAudit extends VaultAuditOptions {
  readonly found: VaultFinding[];
  readonly done: { objects: number; events: number; bytes: number };
  /** How many events are missing of each subject. */
  readonly missing: Map<string, number>;
}

const general = ["Uploads that have no statement yet are not looked at."];
const noKeys = "No content was opened, since the keys were not given: a changed segment shows only with them.";

/** Yields each finding as it comes, and returns the summary. The vault may be in use meanwhile. */
export async function* auditVault(options: VaultAuditOptions): AsyncGenerator<VaultFinding, VaultAuditSummary> {
  const audit: VaultAudit = { ...options, found: [], done: { objects: 0, events: 0, bytes: 0 }, missing: new Map() };
  let findings = 0;
  for await (const _step of steps(audit)) {
    findings += audit.found.length;
    yield* audit.found.splice(0);
  }
  return { ...audit.done, findings, limits: options.keys === undefined ? [...general, noKeys] : general };
}

/** Yields after each step, so that findings leave and memory stays flat. */
async function* steps(audit: VaultAudit): AsyncGenerator<void> {
  await checkStorage(audit);
  yield;
  yield* findMissingEvents(audit);
  const damage = createDamageList();
  for await (const id of objectIds(audit.catalogue)) {
    const object = await checkRow(audit, id);
    if (object !== undefined) await checkContent(audit, object, damage);
    audit.done.objects += 1;
    audit.onProgress?.(audit.done.objects);
    yield;
  }
  yield* nameDamage(audit, damage);
}

async function checkStorage({ catalogue, objects, found }: VaultAudit): Promise<void> {
  for (const storage of [catalogue, objects]) {
    try {
      const messages = await storage.check();
      for (const message of messages) found.push({ record: "storage", problem: "unreadable", at: {}, message });
    } catch (error) {
      found.push({ record: "storage", problem: "unreadable", at: {}, message: reasonOf(error) });
    }
  }
}

async function* objectIds(catalogue: Catalogue): AsyncGenerator<string> {
  for (let after: string | undefined; ; ) {
    const ids = await catalogue.listIds(after, 500);
    yield* ids;
    if (ids.length === 0) return;
    after = ids.at(-1);
  }
}

/** Entries whose look-up rows are read at once. */
const pageWidth = 50_000;

/** The log of a store as it is when it is first asked. */
export function auditedLog(store: LogStore): AuditedLog {
  async function entry(index: number): Promise<Statement | undefined> {
    const size = (await store.readHead())?.size ?? 0;
    if (index < 0 || index >= size) return undefined;
    try {
      const [bytes] = await store.readEntries(index, index + 1);
      return bytes && parseStatement(bytes);
    } catch (error) {
      if (isAttestryError(error) && !error.facts.retry) return undefined; // the log's own audit names it
      throw error;
    }
  }

  return {
    entry,
    async *custody(issuers) {
      const size = (await store.readHead())?.size ?? 0;
      for (let from = 0; from < size; from += pageWidth) {
        const range = { from, to: Math.min(size, from + pageWidth), limit: pageWidth, order: "ascending" } as const;
        const pages = await Promise.all(issuers.map((issuer) => store.lookUp(issuerKey(issuer), range)));
        for (const index of [...new Set(pages.flat())].sort((a, b) => a - b)) {
          const statement = await entry(index);
          const isMeant = statement?.contentType === custodyContentType && issuers.includes(statement.issuer);
          if (statement !== undefined && isMeant) yield { index, statement };
        }
      }
    },
  };
}

/** How a finding names an object. */
export function nameOf({ id, subject }: Pick<ObjectFacts, "id" | "subject">): { object: string; subject: string } {
  return { object: id, subject };
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
