/**
 * The process that runs one audit: the same as `attestry audit` beside the notary, told by messages what to audit. A process and
 * no thread, since it has storage, keys and memory of its own, and steps back behind the notary for the processor.
 */
import { constants, setPriority } from "node:os";
import { encodeHex, errorCatalogue, isAttestryError } from "@attestry/core";
import { type AuditDataOptions, auditData, type DataAuditSummary } from "../audit-data.ts";
import type { Finding } from "../log/audit.ts";
import type { VaultFinding } from "../vault/audit.ts";
import { type AuditReport, type AuditScope, maxNamed } from "./report.ts";

export type AuditTask = Pick<AuditDataOptions, "data" | "database" | "witnessKeys" | "passphrase">;

export interface AuditProgress {
  /** Entries of the log that are done, of how many. */
  readonly entries: number;
  readonly total: number;
  /** Stored objects that are done. */
  readonly objects: number;
  /** So far. */
  readonly findings: number;
}

export type AuditMessage =
  | { readonly progress: AuditProgress }
  | { readonly finding: Finding | VaultFinding }
  | { readonly ended: Pick<AuditReport, "scope" | "limits" | "findings"> }
  | { readonly problem: NonNullable<AuditReport["problem"]> };

/** Milliseconds between two messages of how far it is. */
const interval = 200;

async function audit(task: AuditTask): Promise<AuditMessage> {
  let progress: AuditProgress = { entries: 0, total: 0, objects: 0, findings: 0 };
  let told = 0;
  const note = (change: Partial<AuditProgress>): void => {
    progress = { ...progress, ...change };
    if (Date.now() < told + interval) return;
    told = Date.now();
    tell({ progress });
  };
  const steps = auditData({
    ...task,
    onProgress: (entries, total) => note({ entries, total }),
    onObjects: (objects) => note({ objects }),
  });
  for (;;) {
    const step = await steps.next();
    if (step.done) return { ended: { ...toEnd(step.value), findings: progress.findings } };
    if (progress.findings < maxNamed) tell({ finding: step.value });
    note({ findings: progress.findings + 1 });
  }
}

function toEnd({ head, vault, limits }: DataAuditSummary): { scope: AuditScope; limits: readonly string[] } {
  const { size = 0, rootHash, time } = head ?? {};
  const newest = {
    ...(rootHash && { rootHash: encodeHex(rootHash) }),
    ...(time !== undefined && { checkpointTime: new Date(time * 1000).toISOString() }),
  };
  const stored = vault && { objects: vault.objects, events: vault.events, bytes: vault.bytes };
  return { scope: { treeSize: size, ...newest, ...(stored && { vault: stored }) }, limits };
}

function tell(message: AuditMessage): void {
  process.send?.(message);
}

/** What exactly it is may name paths: that goes into the notary's log alone. */
function toProblem(error: unknown): AuditMessage {
  console.error(error);
  const code = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
  return { problem: { code, message: errorCatalogue[code].meaning } };
}

process.once("disconnect", () => process.exit(1)); // the notary is gone
process.once("message", (task: AuditTask) => {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // then it competes with the notary
  }
  void audit(task)
    .catch(toProblem)
    .then((last) => process.send?.(last, () => process.exit(0)));
});
