/** The audit of kept anchors and time stamps: each holds together, and is of a tree that the log had. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { encodeHex, equalBytes } from "@attestry/core";
import { type AnchorRecord, type AnchorStore, openSqliteAnchorStore } from "@attestry/ledger";
import type { Finding } from "../log/audit.ts";
import { reasonOf } from "../log/audit-scan.ts";
import type { LogStore } from "../log/store.ts";
import { checkKeptProof } from "./check.ts";

export interface AnchorAuditOptions {
  /** Where `anchors.db` is kept, if there is one. */
  readonly folder: string;
  readonly log: Pick<LogStore, "origin" | "readHeadOf">;
}

const perPage = 256;

/** Yields each thing that does not hold, and returns how many there were. Changes nothing, and may run beside the notary. */
export async function* auditAnchors({ folder, log }: AnchorAuditOptions): AsyncGenerator<Finding, number> {
  if (!existsSync(join(folder, "anchors.db"))) return 0;
  let findings = 0;
  let store: AnchorStore | undefined;
  try {
    store = openSqliteAnchorStore(folder, { readOnly: true });
    for await (const record of finalAnchors(store, log.origin)) {
      for (const finding of [await checkProof(record), await checkHead(record, log)]) {
        if (finding === undefined) continue;
        findings++;
        yield finding;
      }
    }
  } catch (error) {
    findings++;
    const message = `The anchors cannot be read: ${reasonOf(error)}`;
    yield { record: "anchor", problem: "unreadable", at: {}, message };
  } finally {
    await store?.close();
  }
  return findings;
}

async function* finalAnchors(store: AnchorStore, origin: string): AsyncGenerator<AnchorRecord> {
  for (const ledger of await store.ledgers(origin)) {
    let page: AnchorRecord[];
    let covering = -1;
    do {
      page = await store.list(ledger, origin, { covering, states: ["final"], limit: perPage, order: "ascending" });
      yield* page;
      covering = page.at(-1)?.size ?? covering;
    } while (page.length === perPage);
  }
}

async function checkProof(record: AnchorRecord): Promise<Finding | undefined> {
  try {
    await checkKeptProof(record);
    return undefined;
  } catch (error) {
    const message = `${describe(record)} does not hold: ${reasonOf(error)}`;
    return { record: "anchor", problem: "changed", at: placeOf(record), message };
  }
}

async function checkHead(record: AnchorRecord, log: AnchorAuditOptions["log"]): Promise<Finding | undefined> {
  const { size, rootHash } = record;
  const head = await log.readHeadOf(size - 1);
  if (head?.size === size && equalBytes(head.rootHash, rootHash)) return undefined;
  const at = placeOf(record);
  if (head?.size !== size) {
    return { record: "anchor", problem: "extra", at, message: `${describe(record)} is of no head of the log.` };
  }
  const hashes = { expected: encodeHex(head.rootHash), found: encodeHex(rootHash) };
  const message = `${describe(record)} is of another root hash than the log's head.`;
  return { record: "anchor", problem: "changed", at, ...hashes, message };
}

function placeOf({ ledger, size }: AnchorRecord): Finding["at"] {
  return { ledger, size };
}

function describe({ ledger, size }: AnchorRecord): string {
  return `The anchor of size ${size} on ${ledger}`;
}
