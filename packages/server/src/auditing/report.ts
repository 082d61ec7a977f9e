/** What an audit that was run from the notary found, as it is kept in the data folder and told over HTTP. */
import { readFileSync } from "node:fs";
import { type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import type { Finding } from "../log/audit.ts";
import type { VaultAuditSummary, VaultFinding } from "../vault/audit.ts";

/** What an audit looked at. */
export interface AuditScope {
  readonly treeSize: number;
  /** Hexadecimal; absent for an empty log, as is `checkpointTime`. */
  readonly rootHash?: string;
  /** ISO 8601, as all times here. */
  readonly checkpointTime?: string;
  /** Absent when there is no vault. */
  readonly vault?: Pick<VaultAuditSummary, "objects" | "events" | "bytes">;
}

/** All holds only when there are no findings, and no problem. */
export interface AuditReport {
  readonly startedAt: string;
  readonly endedAt: string;
  /** Who asked for it. */
  readonly by: string;
  /** Absent when it did not get to its end. */
  readonly scope?: AuditScope;
  /** How many things do not hold. */
  readonly findings: number;
  /** The first of them, 1,000 at most: `attestry audit` prints all. */
  readonly named: readonly (Finding | VaultFinding)[];
  /** What it did not or cannot tell, in words. */
  readonly limits: readonly string[];
  /** Why it did not get to its end: a code of the error catalogue, and its meaning. */
  readonly problem?: { readonly code: string; readonly message: string };
}

/** How many findings are kept. */
export const maxNamed = 1000;

const text = Type.String();
const uint = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const reportSchema: TSchema = Type.Object({
  startedAt: text,
  endedAt: text,
  by: text,
  scope: Type.Optional(
    Type.Object({
      treeSize: uint,
      rootHash: Type.Optional(text),
      checkpointTime: Type.Optional(text),
      vault: Type.Optional(Type.Object({ objects: uint, events: uint, bytes: uint })),
    }),
  ),
  findings: Type.Integer({ minimum: 0, description: "How many things do not hold" }),
  named: Type.Array(
    Type.Object({
      record: text,
      problem: text,
      at: Type.Record(Type.String(), Type.Unknown(), { description: "Which record: its index, object, segment, …" }),
      expected: Type.Optional(text),
      found: Type.Optional(text),
      message: text,
    }),
    { description: "The first 1,000 of them" },
  ),
  limits: Type.Array(text, { description: "What the audit did not or cannot tell" }),
  problem: Type.Optional(Type.Object({ code: text, message: text }, { description: "Why it did not get to its end" })),
});

/** The report in a file; undefined when there is none, or none that can be read: that is no good news, only no news. */
export function readReport(path: string): AuditReport | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Value.Check(reportSchema, value) ? (value as AuditReport) : undefined;
  } catch {
    return undefined;
  }
}
