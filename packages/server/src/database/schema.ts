/**
 * The parts of the schema `attestry`, each made by the driver that needs it and versioned for itself. Where a part is there
 * already, nothing is created, so that a notary's user needs no right to.
 */
import { AttestryError } from "@attestry/core";
import type { Database, Querier } from "./database.ts";

export interface SchemaPart {
  readonly name: "log" | "issuers" | "objects";
  readonly version: number;
  /** Statements that make the part, from nothing. */
  readonly statements: readonly string[];
}

/** What the databases say in ways of their own. */
export interface SchemaFlavour {
  /** Undefined: the part is not there, nor perhaps the table of parts. */
  readVersion(querier: Querier, name: string): Promise<number | undefined>;
  addVersion(querier: Querier, name: string, version: number): Promise<void>;
  /** Makes the schema and the table of parts unless they are there, in a transaction, which one process at a time has. */
  makeSchema(querier: Querier): Promise<void>;
  hasTable(database: Database, table: string): Promise<boolean>;
  /** An error at opening as ours; one of ours stays as it is. */
  translateOpenError(error: unknown): AttestryError;
}

/**
 * Sees that the part is there, or makes it. Safe to call from several processes at once.
 * @throws NOT_FOUND when `readOnly` and it is not there; FATAL_VERSION when a newer program made it; USAGE when the user may not
 */
export async function openPart(
  database: Database,
  part: SchemaPart,
  flavour: SchemaFlavour,
  readOnly: boolean,
): Promise<void> {
  try {
    const { name } = part;
    const there = await flavour.readVersion(database, name);
    const found = there ?? (readOnly ? undefined : await create(database, part, flavour));
    if (found === undefined) throw new AttestryError("NOT_FOUND", `The database has no part "${name}" of a notary.`);
    if (found > part.version) {
      const message = `The database's part "${name}" has version ${found}; this program knows versions up to ${part.version}.`;
      throw new AttestryError("FATAL_VERSION", message, { data: { found, known: part.version } });
    }
  } catch (error) {
    throw flavour.translateOpenError(error);
  }
}

/**
 * Sees that the schema is there, for a part that a library makes and versions itself.
 * @param table one of the part's
 * @throws NOT_FOUND when `readOnly` and the table is not there; USAGE when the user may not make the schema
 */
export async function openSchema(
  database: Database,
  table: string,
  flavour: SchemaFlavour,
  readOnly: boolean,
): Promise<void> {
  try {
    if (await flavour.hasTable(database, table)) return;
    if (readOnly) throw new AttestryError("NOT_FOUND", "The database has no vault.");
    await database.transaction((querier) => flavour.makeSchema(querier));
  } catch (error) {
    throw flavour.translateOpenError(error);
  }
}

async function create(
  database: Database,
  { name, version, statements }: SchemaPart,
  flavour: SchemaFlavour,
): Promise<number> {
  return database.transaction(async (querier) => {
    await flavour.makeSchema(querier);
    const there = await flavour.readVersion(querier, name);
    if (there !== undefined) return there; // another process was first
    for (const statement of statements) await querier.query(statement);
    await flavour.addVersion(querier, name, version);
    return version;
  });
}
