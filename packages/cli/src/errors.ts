/** Turns what the operating system and the runtime throw into Attestry's errors, with the file that it was about. */
import { AttestryError, type ErrorCode, isAttestryError } from "@attestry/core";
import { fileChanged, notAFile } from "./files/read-and-hash.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "it is larger than this disk allows",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "the symbolic links lead in a circle",
  EIO: "the disk reports an error",
  [notAFile]: "it is not a file",
};

/**
 * `error` as an AttestryError that names the file: UNAVAILABLE_STORAGE when there is no room, CONFLICT_FILE_CHANGED, else
 * USAGE_FILE.
 */
export function fileError(error: unknown, path: string, doing: string): AttestryError {
  if (isAttestryError(error)) return error;
  const errno = errnoOf(error);
  const data = { path };
  if (errno === fileChanged) {
    const message = `${path} changed while it was being read. Try again when nothing writes to it.`;
    return new AttestryError("CONFLICT_FILE_CHANGED", message, { data });
  }
  const code: ErrorCode = errno === "ENOSPC" || errno === "EDQUOT" ? "UNAVAILABLE_STORAGE" : "USAGE_FILE";
  const reason = reasons[errno] ?? (error instanceof Error ? error.message : String(error));
  return new AttestryError(code, `${path} cannot be ${doing}: ${reason}.`, { data, cause: error });
}

/** Anything thrown, as an AttestryError; FATAL_INTERNAL when it was not foreseen. */
export function asAttestryError(error: unknown): AttestryError {
  if (isAttestryError(error)) return error;
  const { path } = error as NodeJS.ErrnoException;
  if (errnoOf(error) in reasons && path) return fileError(error, path, "used");
  const what = error instanceof Error ? error.message : String(error);
  const more = process.env["ATTESTRY_DEBUG"] ? "" : " Set ATTESTRY_DEBUG=1 to see where.";
  return new AttestryError("FATAL_INTERNAL", `Something went wrong inside: ${what}.${more}`, { cause: error });
}

function errnoOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}
