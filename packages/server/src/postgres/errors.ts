/**
 * PostgreSQL's errors as ours (SQLSTATE codes: PostgreSQL 18, appendix A). What is kept of the cause is its code and message:
 * the driver hangs its client on errors, and the client knows the password.
 */
import { AttestryError, type ErrorCode, isAttestryError } from "@attestry/core";

const messages = {
  UNAVAILABLE_STORAGE: "The database cannot be reached, or refuses for now. Nothing was half written.",
  FATAL_CORRUPT: "The database does not hold what it should. Run attestry audit; restore it from a copy.",
  FATAL_INTERNAL: "The database failed in a way that was not foreseen.",
} as const satisfies Partial<Record<ErrorCode, string>>;

/** An error of a query: UNAVAILABLE_STORAGE, FATAL_CORRUPT or FATAL_INTERNAL; one of ours stays as it is. */
export function translateError(error: unknown): AttestryError {
  if (isAttestryError(error)) return error;
  const sqlState = sqlStateOf(error);
  const code = codeFor(sqlState);
  return new AttestryError(code, messages[code], { cause: plainCause(error), data: sqlState ? { sqlState } : {} });
}

/** An error at opening, when somebody is there who can set it right: also USAGE, which says what to do. */
export function translateOpenError(error: unknown): AttestryError {
  if (isAttestryError(error) && error.data["sqlState"] === undefined) return error;
  const sqlState = sqlStateOf(error) ?? "";
  const advice = sqlState.startsWith("28")
    ? "The database refuses this user or password. Give them in the address, or the password in PGPASSWORD."
    : sqlState === "3D000"
      ? "The server has no such database. Create it, then start again."
      : sqlState === "42501" || sqlState === "3F000" // a schema that one may not use is not seen
        ? "The database's user lacks a privilege; docs/operate.md lists those that a notary needs."
        : isTlsError(error)
          ? "The server's TLS certificate cannot be verified. Give the authority that issued it with sslrootcert=FILE."
          : undefined;
  return advice === undefined
    ? translateError(error)
    : new AttestryError("USAGE", advice, { cause: plainCause(error), data: sqlState ? { sqlState } : {} });
}

/** Whether a statement that failed so may have been carried out all the same: only a refusal by the server is definite. */
export function isUncertain(error: AttestryError): boolean {
  if (error.code !== "UNAVAILABLE_STORAGE" && error.code !== "FATAL_INTERNAL") return false;
  const { sqlState } = error.data;
  return typeof sqlState !== "string" || /^(08|57P|58|XX)/.test(sqlState);
}

/** Whether the connection was found to be gone, rather than the server out of reach or slow. */
export function isDeadConnection(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return (
    /^(ECONNRESET|EPIPE|57P01|57P02)$/.test(String(code)) ||
    /^Connection terminated unexp|not queryable/.test(String(message))
  );
}

export function sqlStateOf(error: unknown): string | undefined {
  const code = isAttestryError(error) ? error.data["sqlState"] : (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

// Connection lost; out of resources, disk full; stopped, starting or timed out; locks; failed over to a read-only copy.
const unavailable = /^(08|28|40|53|57|58030|55|25006|42501|3D000)/;
// Broken pages and indexes; files, tables and columns that are gone; rows that break a rule no writer of ours breaks.
const corrupt = /^(XX001|XX002|58P01|42P01|42703|3F000|23)/;

function codeFor(sqlState: string | undefined): keyof typeof messages {
  if (sqlState === undefined || unavailable.test(sqlState)) return "UNAVAILABLE_STORAGE";
  return corrupt.test(sqlState) ? "FATAL_CORRUPT" : "FATAL_INTERNAL";
}

function isTlsError(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return /CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO/.test(String(code)) || /does not support SSL/.test(String(message));
}

function plainCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("an error that is none");
  const code = (error as NodeJS.ErrnoException).code;
  return new Error([code, error.message].filter(Boolean).join(": "));
}
