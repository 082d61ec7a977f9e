/** A verdict in words for a terminal, and as JSON. */
import { type Check, defaultSubject, encodeHex, type Report, thumbprintUri, type Verdict } from "@attestry/core";
import { type Output, plain } from "./output.ts";
import type { FileReport } from "./verification.ts";

const words: Readonly<Record<Verdict, string>> = {
  verified: "verified",
  altered: "ALTERED",
  not_found: "not found",
  incomplete: "cannot tell yet",
  superseded: "SUPERSEDED",
  revoked: "REVOKED",
  untrusted: "NOT TRUSTED",
  invalid: "INVALID PROOF",
};

/** The verdict and its sentence: one line. */
export function verdictLine(file: string, report: FileReport, output: Output): string {
  const { verdict } = report;
  const colour = verdict === "verified" ? "green" : verdict === "incomplete" ? "yellow" : "red";
  const symbol = { green: "✓", yellow: "?", red: "✗" }[colour];
  return `${output.style([colour, "bold"], `${symbol} ${plain(file)}: ${words[verdict]}`)}. ${plain(report.summary)}`;
}

/** Who, when, where, and every check with what it rested on. */
export function detailLines(report: FileReport, output: Output): string[] {
  const facts = factsOf(report).map(([name, text]) => `  ${name.padEnd(14)}${plain(text)}`);
  const checks = report.checks.map(({ name, status, detail, trust }) => {
    const symbol = {
      pass: output.style("green", "✓"),
      fail: output.style("red", "✗"),
      unknown: output.style("yellow", "?"),
    }[status];
    return `  ${symbol} ${name.padEnd(11)} ${plain(detail)} ${output.style("dim", `[${plain(trust)}]`)}`;
  });
  return [...facts, "", ...checks];
}

function factsOf({ statement, entry, notAfter, notBefore, proof }: FileReport): [string, string][] {
  const facts: [string, string][] = [];
  if (statement !== undefined) {
    facts.push(["signed by", statement.issuer]);
    if (statement.subject !== defaultSubject(statement.digest)) facts.push(["record", statement.subject]);
    facts.push(["signed at", `${when(statement.issuedAt)}, by the signer's own clock`]);
  }
  if (notAfter !== undefined) {
    const caution = notAfter.independent ? "" : " (no independent witness of the time)";
    facts.push(["existed by", `${when(notAfter.time)}, by ${notAfter.basis}${caution}`]);
  }
  if (notBefore !== undefined && statement?.after !== undefined) {
    const { size, origin } = statement.after;
    const because = `because it quotes entry count ${size} of the log ${origin} (by that log's clock)`;
    facts.push(["signed after", `${when(notBefore.time)}, ${because}`]);
  }
  if (entry !== undefined) facts.push(["entry", `${entry.index} of the log ${entry.origin}`]);
  if (proof !== undefined) facts.push(["proof from", proof]);
  return facts;
}

/** The report as `--json` prints it: bytes as hexadecimal, times as ISO 8601. */
export function reportJson(file: string, report: FileReport): object {
  const { verdict, summary, checks, statement, entry, notAfter, notBefore, later, proof, warnings } = report;
  return {
    file,
    verdict,
    summary,
    checks: checks.map(checkJson),
    ...(statement && { statement: statementJson(statement) }),
    ...(entry && { entry: { ...entry, leafHash: encodeHex(entry.leafHash) } }),
    ...(notAfter && { notAfter: { ...notAfter, time: iso(notAfter.time) } }),
    ...(notBefore && { notBefore: { ...notBefore, time: iso(notBefore.time) } }),
    later: later.map((one) => ({ ...one, issuedAt: iso(one.issuedAt) })),
    ...(proof === undefined ? {} : { proof }),
    warnings,
  };
}

export function statementJson(statement: NonNullable<Report["statement"]>): object {
  const { digest, keyThumbprint, relation, after, issuedAt, ...rest } = statement;
  return {
    ...rest,
    issuedAt: iso(issuedAt),
    hash: encodeHex(digest),
    key: thumbprintUri(keyThumbprint),
    ...(relation && { relation: { ...relation, target: encodeHex(relation.target) } }),
    ...(after && { after: { ...after, rootHash: encodeHex(after.rootHash) } }),
  };
}

function checkJson(check: Omit<Check, "name"> & { name: string }): object {
  const { evidence, ...rest } = check;
  return evidence === undefined || Object.keys(evidence).length === 0 ? rest : { ...rest, evidence };
}

/** ISO 8601; a time beyond what dates can hold, as text. */
export function iso(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}

/** 2026-11-22 10:41:03 UTC */
export function when(seconds: number): string {
  return iso(seconds).replace("T", " ").replace(".000Z", " UTC");
}
