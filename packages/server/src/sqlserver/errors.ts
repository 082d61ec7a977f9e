/**
 * SQL Server's errors as ours (numbers: "Database Engine events and errors"; for Azure SQL "Troubleshoot connectivity"). What is
 * kept of the cause is its number and message, and of the message not what it repeats of values.
 */
import { AttestryError, type ErrorCode, isAttestryError } from "@attestry/core";
import type { ConnectionError } from "./driver.ts";

const messages = {
  UNAVAILABLE_STORAGE: "The database cannot be reached, or refuses for now. Nothing was half written.",
  FATAL_CORRUPT: "The database does not hold what it should. Run attestry audit; restore it from a copy.",
  FATAL_INTERNAL: "The database failed in a way that was not foreseen.",
} as const satisfies Partial<Record<ErrorCode, string>>;

// Duplicates, nulls and checks that no writer of ours runs into; tables and columns that are gone; pages that cannot be read.
const corrupt = new Set([2627, 2601, 547, 515, 207, 208, 605, 823, 824, 825]);

// What a statement of ours runs into when the program is wrong: syntax, types, arguments. All else may pass.
const internal = new Set([102, 105, 137, 156, 201, 206, 245, 257, 402, 529, 2628, 8114, 8144, 8152, 8178]);

/** The victim of a deadlock, and a conflict of snapshots: nothing of the transaction was done, and it may be run again. */
const undone = new Set([1205, 3960]);

// Refusals that leave no doubt: the statement was undone as a whole (SET XACT_ABORT ON), and the session goes on.
const definite = new Set([...corrupt, ...internal, ...undone, 229, 262, 1204, 1222, 1101, 1105, 9002, 3906]);

/** An error of a query: UNAVAILABLE_STORAGE, FATAL_CORRUPT or FATAL_INTERNAL; one of ours stays as it is. */
export function translateError(error: unknown): AttestryError {
  if (isAttestryError(error)) return error;
  const sqlError = numberOf(error);
  const code = codeFor(error, sqlError);
  return new AttestryError(code, messages[code], { cause: plainCause(error), data: dataOf(sqlError) });
}

function codeFor(error: unknown, sqlError: number | undefined): keyof typeof messages {
  if (error instanceof TypeError) return "FATAL_INTERNAL"; // a parameter that is none
  if (sqlError === undefined) return "UNAVAILABLE_STORAGE";
  if (corrupt.has(sqlError)) return "FATAL_CORRUPT";
  return internal.has(sqlError) ? "FATAL_INTERNAL" : "UNAVAILABLE_STORAGE";
}

/** An error at opening, when somebody is there who can set it right: also USAGE, which says what to do. */
export function translateOpenError(error: unknown): AttestryError {
  if (isAttestryError(error) && error.data["sqlError"] === undefined) return error;
  const sqlError = numberOf(error);
  const advice = adviceFor(error, sqlError);
  return advice === undefined
    ? translateError(error)
    : new AttestryError("USAGE", advice, { cause: plainCause(error), data: dataOf(sqlError) });
}

function adviceFor(error: unknown, sqlError: number | undefined): string | undefined {
  const { code } = (error ?? {}) as ConnectionError;
  if (code === "EENCRYPT") return "The server does not encrypt as it should. Ask for another way with encrypt=strict.";
  if (isTlsError(error)) {
    return "The server's TLS certificate cannot be verified. Give the authority that issued it with sslrootcert=FILE.";
  }
  if (sqlError === undefined) {
    return code === "EFEDAUTH" || error instanceof AggregateError
      ? "Entra ID gave no token for the database. docs/storage.md says where it looks for who this program is."
      : undefined;
  }
  if ([18452, 18456, 18470, 18487, 18488].includes(sqlError)) {
    return "The database refuses this user or password. Give them in the address, or the password in SQLCMDPASSWORD.";
  }
  if ([4060, 911].includes(sqlError))
    return "The server has no such database for this user. Create it, then start again.";
  if (sqlError === 40615) return "The server's firewall does not let this machine in. Add a rule for its address.";
  const isDenied = [229, 230, 262, 297, 300, 916, 2760, 15247].includes(sqlError);
  return isDenied
    ? "The database's user lacks a privilege; docs/storage.md lists those that a notary needs."
    : undefined;
}

/** Whether a statement that failed so may have been carried out all the same, or may yet be. */
export function isUncertain(error: AttestryError): boolean {
  if (error.code !== "UNAVAILABLE_STORAGE" && error.code !== "FATAL_INTERNAL") return false;
  const { sqlError } = error.data;
  return typeof sqlError !== "number" || !definite.has(sqlError);
}

/** Whether the transaction was undone by the server for the sake of another, and is worth running again. */
export function isUndone(error: unknown): boolean {
  return undone.has(numberOf(error) ?? 0);
}

/** Whether an error says that a row is there already. */
export function isDuplicate(error: unknown): boolean {
  return [2627, 2601].includes(numberOf(error) ?? 0);
}

/** Whether the connection was found to be gone, rather than the server out of reach or slow. */
export function isDeadConnection(error: unknown): boolean {
  const { code } = (error ?? {}) as ConnectionError;
  // 596: the session was killed. 6005: the server is being shut down. 40197, 40613: the database moves to another machine.
  return (
    /^(ECLOSE|ESOCKET|ECONNRESET|EPIPE|EINVALIDSTATE)$/.test(String(code)) || [596, 6005].includes(numberOf(error) ?? 0)
  );
}

export function numberOf(error: unknown): number | undefined {
  const number = isAttestryError(error) ? error.data["sqlError"] : (error as ConnectionError | null)?.number;
  return typeof number === "number" ? number : undefined;
}

function dataOf(sqlError: number | undefined): { sqlError?: number } {
  return sqlError === undefined ? {} : { sqlError };
}

function isTlsError(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const code = String((cause as NodeJS.ErrnoException).code);
    if (/CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO|^SELF_SIGNED/.test(code)) return true;
  }
  return false;
}

function plainCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("an error that is none");
  if (isAttestryError(error)) return error;
  const { number, code, message } = error as ConnectionError;
  const [said] = message.split(/The duplicate key value|Truncated value/);
  return new Error([number ?? code, said].filter(Boolean).join(": "));
}
