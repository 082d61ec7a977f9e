/** What the addresses of all kinds of databases have in common. No error here repeats an address: it may hold a password. */
import { readFileSync } from "node:fs";
import { AttestryError } from "@attestry/core";

/** Part of an address, percent-decoded. @throws USAGE */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw addressError("The database's address has a percent sign that encodes nothing; write it as %25.");
  }
}

/** The path of an address as a database's name. @throws USAGE */
export function databaseName({ pathname }: URL): string {
  const name = decodePart(pathname.slice(1));
  if (name !== "" && !name.includes("/")) return name;
  throw addressError("The database's address names no database: …HOST/DATABASE.");
}

/** The PEM file that `sslrootcert` names. @throws USAGE_FILE */
export function readCertificates(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new AttestryError("USAGE_FILE", `The file ${path} of sslrootcert cannot be read (${code}).`, { cause });
  }
}

export function addressError(message: string): AttestryError {
  return new AttestryError("USAGE", message);
}
